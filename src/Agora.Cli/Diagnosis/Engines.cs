using Agora.Benchmarks;
using Agora.Experiments;
using Agora.Students.Training;

namespace Agora.Cli.Diagnosis;

/// <summary>What Agora itself needs to work: libtorch for training, a sandbox for code that a student wrote.</summary>
internal static class Engines
{
    public static Finding Torch()
    {
        try
        {
            var status = TorchLibrary.Load();
            return new("libtorch", Verdict.Good, $"{status.Version} in {status.Folder}, trains on {(status.CudaDevices > 0 ? $"{status.CudaDevices} CUDA device{(status.CudaDevices > 1 ? "s" : "")} or the CPU" : TorchLibrary.HasCuda() ? "the CPU (built with CUDA, but sees no device)" : "the CPU")}{(status.CureApplied is null ? "" : $"; {status.CureApplied}")}");
        }
        catch (AgoraException fault)
        {
            return new("libtorch", Verdict.Bad, $"{fault.What} ({fault.Where})", fault.Fix);
        }
    }

    public static async Task<Finding> SandboxAsync(CancellationToken cancellationToken)
    {
        var status = await CodeSandbox.ProbeAsync(cancellationToken);
        return new("sandbox", status.Available ? Verdict.Good : Verdict.Bad, status.Detail, status.Fix);
    }
}
