using System.IO.Compression;
using System.Text;
using Agora.Benchmarks;
using Agora.Experiments;

namespace Agora.Tests.Benchmarks;

/// <summary>A benchmark file in a folder of its own, gone with the test.</summary>
internal sealed class BenchmarkFileOnDisk : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("agora-benchmark-").FullName;
    private readonly string name;

    public BenchmarkFileOnDisk(string name, params string[] lines)
    {
        this.name = name;
        var bytes = Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n");
        using var file = File.Create(System.IO.Path.Combine(folder, name));
        if (!name.EndsWith(".gz", StringComparison.Ordinal))
        {
            file.Write(bytes);
            return;
        }
        using var packed = new GZipStream(file, CompressionLevel.Fastest);
        packed.Write(bytes);
    }

    public IBenchmark Open(string benchmark, int? limit = null, bool unsafeNoSandbox = false) =>
        BenchmarkCatalogue.Open(new BenchmarkSpec { Name = benchmark, File = name, Limit = limit }, folder, unsafeNoSandbox);

    public IBenchmark Open(string benchmark, BenchmarkOptions options) => BenchmarkCatalogue.Open(new BenchmarkSpec { Name = benchmark, File = name }, folder, options);

    public string Path => System.IO.Path.Combine(folder, name);

    public string Refusal(string benchmark) => Assert.Throws<AgoraException>(() => Open(benchmark)).Message;

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
