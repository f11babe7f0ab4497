using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Agora.Benchmarks;

/// <summary>One warm interpreter that forks an isolated process per program, one program at a time.</summary>
/// <remarks>Its source is <c>sandbox_*.py</c>; nothing of it lies on disk, where it could outlive us.</remarks>
internal sealed partial class SandboxWorker : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(30);
    /// <summary>How long a worker may be silent beyond a program's own limit: for the fork, the end of its processes and a busy machine. Its processes wait for each other half as long.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly Lazy<string> Bottom = new(() => EmbeddedPython.Read("sandbox_boot.py"));

    private readonly SandboxKind kind;
    private readonly SandboxThread thread;
    private readonly Process process;
    private readonly TimeSpan patience;
    private readonly Task<string> errors;
    private byte[] reply = new byte[16 << 10];

    private SandboxWorker(SandboxKind kind, int place, SandboxThread thread, Process process, TimeSpan patience)
    {
        Place = place;
        this.patience = patience;
        this.thread = thread;
        this.kind = kind;
        this.process = process;
        errors = process.StandardError.ReadToEndAsync();
    }

    /// <summary>Which of the sandbox's workers it is, from 0. Where there are as many as processor cores, each keeps to the core of its place.</summary>
    public int Place { get; }

    /// <summary>What the driver said of itself when it was ready.</summary>
    public Greeting Ready { get; private set; } = new("", false, false, []);

    /// <param name="place">Which of this many workers it is to be, from 0.</param>
    /// <exception cref="SandboxRefusedException">The interpreter did not come up: its last words are the message.</exception>
    public static async Task<SandboxWorker> StartAsync(SandboxPython python, SandboxKind kind, int place, int workers, TimeSpan patience, CancellationToken cancellationToken)
    {
        string[] interpreter =
        [
            python.Path, "-I", "-S", "-c", Bottom.Value, Mode(kind), (patience.TotalSeconds / 2).ToString(CultureInfo.InvariantCulture),
            place.ToString(CultureInfo.InvariantCulture), workers.ToString(CultureInfo.InvariantCulture),
        ];
        string[] command = kind == SandboxKind.Bubblewrap ? [.. Bubblewrap, .. interpreter] : interpreter;
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        start.Environment.Clear();      // programs see what the driver sees: no key, no token
        start.Environment["PATH"] = "/usr/local/bin:/usr/bin:/bin";
        start.Environment["LANG"] = "C.UTF-8";
        start.Environment["LD_BIND_NOW"] = "1";         // the interpreter's symbols are looked up once, not in the process of every program
        start.Environment["PYTHONHASHSEED"] = "0";      // the same order of sets, and so the same verdict, in every run
        var thread = new SandboxThread();
        SandboxWorker worker;
        try
        {
            // On its own thread: bubblewrap dies with the thread that started it.
            var process = await thread.RunAsync(() => Process.Start(start) ?? throw new InvalidOperationException("no process was started"), () => { }, CancellationToken.None);
            worker = new SandboxWorker(kind, place, thread, process, patience);
        }
        catch (Exception fault)
        {
            thread.Dispose();
            throw fault is System.ComponentModel.Win32Exception ? new SandboxRefusedException(fault.Message, fault) : fault;
        }
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(StartLimit);
            worker.Ready = await thread.RunAsync(() =>
            {
                worker.Send(python.Driver);
                return worker.Receive(SandboxJson.Default.Greeting);
            }, worker.Kill, limit.Token);
            return worker;
        }
        catch (Exception fault) when (fault is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            var words = await worker.LastWordsAsync();
            await worker.DisposeAsync();
            throw new SandboxRefusedException(words.Length > 0 ? words : fault.Message, fault);
        }
        catch
        {
            await worker.DisposeAsync();
            throw;
        }
    }

    /// <exception cref="IOException">The driver is gone or did not reply in time; the worker is of no more use.</exception>
    public async Task<Reply> RunAsync(SandboxProgram program, CancellationToken cancellationToken)
    {
        var limits = program.Limits;
        var request = new Request(
            program.Code, program.Tests, program.TestsApart, program.Tested, program.Files,
            new RequestLimits(limits.Seconds, limits.MemoryBytes, limits.DiskBytes, limits.Processes, limits.OutputBytes, limits.FloodBytes));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(limits.Seconds) + patience);
        try
        {
            return await thread.RunAsync(() =>
            {
                Send(JsonSerializer.SerializeToUtf8Bytes(request, SandboxJson.Default.Request));
                return Receive(SandboxJson.Default.Reply);
            }, Kill, limit.Token);
        }
        catch (OperationCanceledException fault) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException(string.Create(CultureInfo.InvariantCulture, $"the sandbox did not reply within {limits.Seconds + patience.TotalSeconds:0.#} s"), fault);
        }
        catch (IOException fault)
        {
            throw new IOException(await LastWordsAsync() is { Length: > 0 } words ? $"the sandbox ended: {words}" : $"the sandbox ended: {fault.Message}", fault);
        }
        catch (JsonException fault)
        {
            throw new IOException("the sandbox replied in no known form", fault);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            // An idle worker ends by itself and takes its control group along.
            process.StandardInput.Close();
            using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
            try
            {
                await process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                // It runs a program.
            }
            Kill();
            using var limit = new CancellationTokenSource(EndLimit);
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // Killed, but held by the kernel: it ends when whatever it waits for there does, and nothing more can be done from here.
        }
        catch (Exception fault) when (fault is InvalidOperationException or IOException)
        {
            // It had ended by itself.
        }
        process.Dispose();
        thread.Dispose();
    }

    /// <remarks>The namespaces' first process dies with it, and with that one all others: no search for descendants, which reads all of /proc for each of them.</remarks>
    private void Kill()
    {
        try
        {
            process.Kill(entireProcessTree: kind == SandboxKind.Unsafe);
        }
        catch (Exception fault) when (fault is InvalidOperationException or AggregateException)
        {
            // It has ended, or one of its children just does.
        }
    }

    /// <summary>Everything of the host is visible to the driver, read-only where it matters: programs get a root that the driver builds.</summary>
    private static readonly string[] Bubblewrap =
    [
        "bwrap", "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--die-with-parent",
        "--uid", "0", "--gid", "0", "--cap-add", "ALL", "--bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--",
    ];

    private static string Mode(SandboxKind kind) => kind switch
    {
        SandboxKind.Namespaces => "namespaces",
        SandboxKind.Bubblewrap => "bubblewrap",
        SandboxKind.Unsafe => "none",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    private void Send(byte[] message)
    {
        var framed = new byte[4 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed, message.Length);
        message.CopyTo(framed, 4);
        Write(framed);
    }

    private void Write(byte[] bytes)
    {
        process.StandardInput.BaseStream.Write(bytes);
        process.StandardInput.BaseStream.Flush();
    }

    private T Receive<T>(System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        var stream = process.StandardOutput.BaseStream;
        var received = stream.ReadAtLeast(reply, 4);        // mostly all of it
        var length = BinaryPrimitives.ReadInt32BigEndian(reply) + 4;
        if (length > reply.Length)
            Array.Resize(ref reply, length);
        if (received < length)
            stream.ReadExactly(reply.AsSpan(received, length - received));
        return JsonSerializer.Deserialize(reply.AsSpan(4, length - 4), type) ?? throw new IOException("the sandbox sent null");
    }

    private async Task<string> LastWordsAsync()
    {
        var finished = await Task.WhenAny(errors, Task.Delay(TimeSpan.FromSeconds(1)));
        return finished == errors ? (await errors).Trim().Split('\n')[^1].Trim() : "";
    }

    internal sealed record Greeting(
        string Python,
        [property: JsonPropertyName("watches_memory")] bool WatchesMemory,
        [property: JsonPropertyName("filters_calls")] bool FiltersCalls,
        ImmutableArray<string> Groups);

    internal sealed record Reply(string Outcome, string Detail, string Output, double Seconds);

    internal sealed record Request(string Code, string Tests, bool Apart, string Tested, ImmutableSortedDictionary<string, string> Files, RequestLimits Limits);

    internal sealed record RequestLimits(double Seconds, long Memory, long Disk, int Processes, int Output, long Flood);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
    [JsonSerializable(typeof(Greeting))]
    [JsonSerializable(typeof(Reply))]
    [JsonSerializable(typeof(Request))]
    internal sealed partial class SandboxJson : JsonSerializerContext;
}

/// <summary>This kind of sandbox cannot be had on this machine; the message says what the system answered.</summary>
internal sealed class SandboxRefusedException(string message, Exception cause) : Exception(message, cause);
