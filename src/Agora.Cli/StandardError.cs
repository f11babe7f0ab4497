using System.Runtime.InteropServices;
using System.Text;

namespace Agora.Cli;

/// <summary>What goes to standard error is said to whoever listens. Where nobody can, the work goes on: a closed or full stderr is no reason to lose a run.</summary>
internal sealed class StandardError : TextWriter
{
    private readonly TextWriter inner;

    private StandardError(TextWriter inner) => this.inner = inner;

    public override Encoding Encoding => inner.Encoding;

    /// <summary>Standard error as the process was given it; a writer to nowhere where it was closed.</summary>
    public static TextWriter Open() => Synchronized(new StandardError(IsGiven() ? Console.Error : Null));

    public override void Write(char value) => Try(() => inner.Write(value));

    public override void Write(char[] buffer, int index, int count) => Try(() => inner.Write(buffer, index, count));

    public override void Write(string? value) => Try(() => inner.Write(value));

    public override void WriteLine(string? value) => Try(() => inner.WriteLine(value));

    public override void Flush() => Try(inner.Flush);

    private static void Try(Action write)
    {
        try
        {
            write();
        }
        catch (IOException)
        {
            // There is no other place to say it.
        }
    }

    // Where descriptor 2 was closed (2>&-), the runtime's first own file took the number. What a process was given survived an exec, so it is not to be closed at one.
    private static bool IsGiven() => OperatingSystem.IsWindows() || Control(2, GetFlags) is var flags && flags >= 0 && (flags & CloseOnExec) == 0;

    private const int GetFlags = 1, CloseOnExec = 1;

    [DllImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Control(int descriptor, int command);
}
