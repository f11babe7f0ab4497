using Agora.Students.Inference;

namespace Agora.Cli.Serving;

/// <summary>What to serve, where, and how much at a time.</summary>
public sealed record ServeOptions
{
    /// <summary>Hugging Face format.</summary>
    public required string ModelFolder { get; init; }

    /// <summary>An address of this machine, or localhost. Loopback unless told otherwise: there is no authentication.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>0 takes a free one; <see cref="ModelServer.Address"/> tells which.</summary>
    public int Port { get; init; } = 8000;

    /// <summary>The model's name in requests; its folder's name if null.</summary>
    public string? Name { get; init; }

    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Where the model computes: auto, cpu or cuda:N.</summary>
    public string Device { get; init; } = DeviceChoice.Auto;

    /// <summary>Requests running and waiting together; one more is told to come back (429).</summary>
    public int MaxRequests { get; init; } = 256;

    /// <summary>How long requests that are inside may go on once the server is told to stop.</summary>
    public double DrainSeconds { get; init; } = 30;

    /// <summary>Of a request's body; a longer one is refused (413).</summary>
    public long MaxRequestBytes { get; init; } = 8 << 20;

    /// <summary>Of the bodies of all requests inside together; the one that passes it is told to come back (429).</summary>
    public long MaxBytesInside { get; init; } = 128 << 20;
}
