using System.Globalization;
using System.Runtime.InteropServices;
using Agora.Experiments;
using TorchSharp;

namespace Agora.Students.Training;

/// <summary>Where a student is trained or answers: the words of recipe.device, and what this machine has.</summary>
internal static partial class TrainingDevice
{
    /// <summary>Whether the words mean the CPU; does not load libtorch, for a plan asks this, too.</summary>
    public static bool IsCpu(string device) => device == "cpu" || device == "auto" && !TorchLibrary.HasCuda();

    /// <param name="device">auto, cpu, cuda or cuda:N.</param>
    /// <exception cref="AgoraException">A CUDA device is named that is not there.</exception>
    public static torch.Device Resolve(string device)
    {
        if (IsCpu(device))
        {
            TorchLibrary.Load();    // before anything of torch is touched
            return torch.CPU;
        }
        if (!TorchLibrary.HasCuda())
        {
            throw new AgoraException(
                $"the device is {device}, and this build of Agora computes on the CPU: its libtorch has no CUDA", TorchLibrary.Folder(),
                $"build with -p:AgoraTorch=cuda, or point {TorchLibrary.FolderVariable} at an installed libtorch with CUDA; \"agora doctor\" shows what is in use")
            { ExitCode = 2 };
        }
        var count = TorchLibrary.Load().CudaDevices;
        if (device == "auto")
            return count > 0 ? torch.device(DeviceType.CUDA, 0) : torch.CPU;
        var index = device.Split(':') is [_, var number] ? int.Parse(number, CultureInfo.InvariantCulture) : 0;
        if (index < count)
            return torch.device(DeviceType.CUDA, index);
        throw new AgoraException(
            $"the device is {device}, and there {(count == 1 ? "is 1 CUDA device" : $"are {count} CUDA devices")}", "this machine",
            count == 0 ? "look at nvidia-smi and at the driver; device cpu works without" : $"name one from cuda:0 to cuda:{count - 1}")
        { ExitCode = 2 };
    }

    /// <returns>Bytes that a training may use there; null where the driver does not say.</returns>
    public static long? MemoryOf(torch.Device device) =>
        device.type == DeviceType.CPU ? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes : CudaMemory(device.index);

    /// <returns>Bytes of a CUDA device that nobody has taken; null where libtorch's CUDA runtime does not say.</returns>
    public static long? FreeMemoryOf(torch.Device device)
    {
        try
        {
            return Initialise(0) == 0 && GetDevice(out var handle, device.index) == 0 && RetainContext(out var context, handle) == 0
                ? FreeIn(context, handle) : null;
        }
        catch (Exception missing) when (missing is DllNotFoundException or EntryPointNotFoundException)
        {
            return null;
        }
    }

    // The device's primary context is torch's own, too; memory is asked of the context that is current.
    private static long? FreeIn(nint context, int handle)
    {
        try
        {
            if (PushContext(context) != 0)
                return null;
            try
            {
                return FreeMemory(out var free, out _) == 0 ? (long)free : null;
            }
            finally
            {
                _ = PopContext(out _);
            }
        }
        finally
        {
            _ = ReleaseContext(handle);
        }
    }

    private static long? CudaMemory(int index)
    {
        try
        {
            return Initialise(0) == 0 && GetDevice(out var handle, index) == 0 && TotalMemory(out var bytes, handle) == 0 ? (long)bytes : null;
        }
        catch (Exception missing) when (missing is DllNotFoundException or EntryPointNotFoundException)
        {
            return null;
        }
    }

    // CUDA's driver interface: no context is made.
    [LibraryImport("libcuda.so.1", EntryPoint = "cuInit")]
    private static partial int Initialise(uint flags);

    [LibraryImport("libcuda.so.1", EntryPoint = "cuDeviceGet")]
    private static partial int GetDevice(out int device, int ordinal);

    [LibraryImport("libcuda.so.1", EntryPoint = "cuDeviceTotalMem_v2")]
    private static partial int TotalMemory(out nuint bytes, int device);

    [LibraryImport("libcuda.so.1", EntryPoint = "cuDevicePrimaryCtxRetain")]
    private static partial int RetainContext(out nint context, int device);

    [LibraryImport("libcuda.so.1", EntryPoint = "cuDevicePrimaryCtxRelease_v2")]
    private static partial int ReleaseContext(int device);

    [LibraryImport("libcuda.so.1", EntryPoint = "cuCtxPushCurrent_v2")]
    private static partial int PushContext(nint context);

    [LibraryImport("libcuda.so.1", EntryPoint = "cuCtxPopCurrent_v2")]
    private static partial int PopContext(out nint context);

    [LibraryImport("libcuda.so.1", EntryPoint = "cuMemGetInfo_v2")]
    private static partial int FreeMemory(out nuint free, out nuint total);
}
