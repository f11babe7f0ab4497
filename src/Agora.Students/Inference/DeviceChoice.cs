using System.Text.RegularExpressions;
using Agora.Experiments;
using Agora.Students.Checkpoints;
using Agora.Students.Training;
using TorchSharp;

namespace Agora.Students.Inference;

/// <summary>Which engine computes a model on a device: auto, cpu or cuda:N, as in recipe.device.</summary>
public static partial class DeviceChoice
{
    /// <summary>The first CUDA device where there is one, the CPU elsewhere.</summary>
    public const string Auto = "auto";

    public const string Cpu = "cpu";

    /// <param name="where">For the message: the option or key that named it.</param>
    /// <exception cref="AgoraException">Exit code 2: the text names no device.</exception>
    public static string Check(string device, string where) => Grammar().IsMatch(device)
        ? device
        : throw new AgoraException($"the device must be auto, cpu or cuda:N, got {device}", where, "name the device so, such as cuda:0") { ExitCode = 2 };

    /// <summary>The managed kernels on the CPU; torch on CUDA devices, and on the CPU for 16-bit weights that would not fit the memory in float32.</summary>
    /// <exception cref="AgoraException">The device is not there, or the model does not fit it.</exception>
    internal static IDeviceModel Load(CheckpointFolder checkpoint, string device, int threads)
    {
        var sixteenBits = checkpoint.StoredType.Size == 2;
        if (IsCuda(device))
            return TorchModel.Load(checkpoint, sixteenBits ? torch.ScalarType.BFloat16 : torch.ScalarType.Float32, TrainingDevice.Resolve(device), threads);
        if (!sixteenBits || FitsInFloat32(checkpoint.Config.Parameters, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes))
            return new ManagedModel(TransformerWeights.Load(checkpoint), threads);
        TorchLibrary.Load();        // before torch's own first use
        return TorchModel.Load(checkpoint, torch.ScalarType.BFloat16, torch.CPU, threads);
    }

    /// <summary>What a step's key says of the device: nothing for the CPU, as the managed kernels give the same bits everywhere.</summary>
    internal static string KeyOf(string device) => IsCuda(device) ? " on cuda" : "";

    // Half of the memory is left to the cache, the tokenizer and everybody else.
    internal static bool FitsInFloat32(long parameters, long memoryBytes) => parameters * sizeof(float) <= memoryBytes / 2;

    private static bool IsCuda(string device) => Check(device, "device") switch
    {
        Cpu => false,
        Auto => FindsCuda(),
        _ => TrainingDevice.Resolve(device).type == DeviceType.CUDA,
    };

    private static bool FindsCuda()
    {
        try
        {
            return TorchLibrary.HasCuda() && TorchLibrary.Load().CudaDevices > 0;
        }
        catch (AgoraException)
        {
            return false;       // no libtorch, which the managed kernels do not need
        }
    }

    [GeneratedRegex("^(auto|cpu|cuda(:[0-9]{1,3})?)$")]
    private static partial Regex Grammar();
}
