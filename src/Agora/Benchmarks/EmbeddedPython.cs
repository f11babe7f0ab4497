using System.Text;

namespace Agora.Benchmarks;

/// <summary>Python that comes with the program, by the name of its file.</summary>
internal static class EmbeddedPython
{
    public static string Read(string file)
    {
        using var stream = typeof(EmbeddedPython).Assembly.GetManifestResourceStream($"Agora.Benchmarks.{file}")
            ?? throw new InvalidOperationException($"{file} is not embedded");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
