using Agora.Experiments;
using Agora.Students.Checkpoints;
using Agora.Students.Training;
using TorchSharp;

namespace Agora.Students.Inference;

/// <summary>Which engine computes a model on a device.</summary>
internal static class DeviceChoice
{
    /// <summary>The managed kernels on the CPU; torch on CUDA devices, and on the CPU for 16-bit weights that would not fit the memory in float32.</summary>
    /// <exception cref="AgoraException">The device is not there, or the model does not fit it.</exception>
    public static IDeviceModel Load(CheckpointFolder checkpoint, Device device, int threads)
    {
        var stored = checkpoint.StoredType.Size == 2 ? torch.ScalarType.BFloat16 : torch.ScalarType.Float32;
        if (CudaIndex(device) is { } index)
            return TorchModel.Load(checkpoint, stored, new torch.Device(DeviceType.CUDA, index), threads);
        if (FitsInFloat32(checkpoint.Config.Parameters, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes) || stored == torch.ScalarType.Float32)
            return new ManagedModel(TransformerWeights.Load(checkpoint), threads);
        TorchLibrary.Load();        // before torch's own first use
        return TorchModel.Load(checkpoint, stored, torch.CPU, threads);
    }

    /// <summary>What a step's key says of the device: nothing for the managed kernels, whose bits are the same everywhere.</summary>
    public static string KeyOf(Device device) => CudaIndex(device) is null ? "" : " on cuda";

    /// <returns>Null: the CPU.</returns>
    private static int? CudaIndex(Device device)
    {
        if (device == Device.Cpu || (device == Device.Auto && !HasDriver))
            return null;
        var status = TorchLibrary.Load();
        if (device.Cuda is not { } index)
            return status.CudaAvailable ? 0 : null;
        if (!status.CudaAvailable)
            throw new AgoraException($"there is no CUDA device {index}: this libtorch ({status.Version}) finds none", $"device: {device}", "build with TorchSharp's CUDA package, install NVIDIA's driver, or say device: cpu");
        return index < torch.cuda.device_count()
            ? index
            : throw new AgoraException($"there is no CUDA device {index}: {torch.cuda.device_count()} are here, numbered from 0", $"device: {device}", "name one of them, or say device: auto");
    }

    // Half a gigabyte of libtorch is not loaded only to hear that there is no device.
    private static bool HasDriver => OperatingSystem.IsWindows() ? File.Exists(Path.Combine(Environment.SystemDirectory, "nvcuda.dll")) : File.Exists("/dev/nvidiactl") || File.Exists("/proc/driver/nvidia/version");

    // Half of the memory is left to the cache, the tokenizer and everybody else.
    internal static bool FitsInFloat32(long parameters, long memoryBytes) => parameters * sizeof(float) <= memoryBytes / 2;
}
