using System.Runtime.InteropServices;
using System.Runtime.Loader;
using System.Security.Cryptography;
using System.Text;
using Agora.Experiments;
using TorchSharp;

namespace Agora.Students.Training;

/// <summary>How libtorch was loaded, for <c>agora doctor</c>.</summary>
/// <param name="Version">Of libtorch.</param>
/// <param name="NativeLibrary">The native half of TorchSharp that is in use.</param>
/// <param name="CureApplied">Why a patched copy is in use; null where the library loads as it is shipped.</param>
/// <param name="Folder">Where libtorch lies.</param>
/// <param name="CudaDevices">How many it can use; 0 where it is built for the CPU or sees no device.</param>
public sealed record TorchStatus(string Version, string NativeLibrary, string? CureApplied, string Folder, int CudaDevices);

/// <summary>Makes libtorch load, also where the system's C++ library is older than the one TorchSharp was built with.</summary>
/// <remarks>
/// The native half of TorchSharp 0.107.0 asks for the symbol version GLIBCXX_3.4.32 (GCC 13), which Debian 12, Ubuntu 22.04 and RHEL 9 lack. The only
/// symbol behind it is <c>std::ios_base_library_init</c>, a marker that is never called. With VER_FLG_WEAK on that one entry the loader accepts it
/// as missing. The flag is set on a copy, and only where the system's library lacks the version. Everything that touches torch calls <see cref="Load"/> first.
/// </remarks>
public static class TorchLibrary
{
    private const string TorchSharpName = "LibTorchSharp";
    private const string NeededVersion = "GLIBCXX_3.4.32";
    /// <summary>Environment variable that names the folder of an installed libtorch (the one with libtorch_cpu.so), to be used instead of the package's.</summary>
    public const string FolderVariable = "AGORA_LIBTORCH";
    private const string CudaLibrary = "libtorch_cuda.so";
    private const string TorchCpuLibrary = "libtorch_cpu.so";

    private static readonly Lazy<TorchStatus> Loaded = new(LoadOnce);

    /// <summary>Loads libtorch on the first call; later calls give the same status.</summary>
    /// <exception cref="AgoraException">The library does not load on this machine.</exception>
    public static TorchStatus Load() => Loaded.Value;

    /// <summary>Where libtorch is loaded from; does not load it.</summary>
    /// <exception cref="AgoraException">It is not there.</exception>
    public static string Folder() => ChosenFolder() ?? Path.GetDirectoryName(FindNativeLibrary())!;

    /// <summary>Whether that libtorch is one with CUDA; says nothing about devices.</summary>
    public static bool HasCuda() => File.Exists(Path.Combine(Folder(), OperatingSystem.IsWindows() ? "torch_cuda.dll" : CudaLibrary));

    private static TorchStatus LoadOnce()
    {
        var native = FindNativeLibrary();
        try
        {
            string? cure = null;
            var (folder, cuda) = (Folder(), HasCuda());
            if (OperatingSystem.IsLinux() && SystemLacksNeededVersion())
                (native, cure) = LoadCuredCopy(native, folder);
            else if (ChosenFolder() is not null || cuda)
                LoadFrom(folder, native);
            torch.InitializeDeviceType(cuda && torch.TryInitializeDeviceType(DeviceType.CUDA) ? DeviceType.CUDA : DeviceType.CPU);
            return new TorchStatus(torch.__version__, native, cure, folder, cuda && torch.cuda_is_available() ? torch.cuda.device_count() : 0);
        }
        catch (Exception exception) when (exception is DllNotFoundException or NotSupportedException or TypeInitializationException or BadImageFormatException)
        {
            throw new AgoraException(
                $"libtorch does not load: {exception.Message}", native,
                "restore the packages again (dotnet restore); on Linux, glibc 2.28 and libstdc++ of GCC 11 or newer are needed", exception);
        }
    }

    private static string FindNativeLibrary()
    {
        var file = OperatingSystem.IsWindows() ? $"{TorchSharpName}.dll" : OperatingSystem.IsMacOS() ? $"lib{TorchSharpName}.dylib" : $"lib{TorchSharpName}.so";
        var listed = (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        string[] folders = [.. listed, AppContext.BaseDirectory, Path.Combine(AppContext.BaseDirectory, "runtimes", RuntimeInformation.RuntimeIdentifier, "native")];
        return folders.Select(folder => Path.Combine(folder, file)).FirstOrDefault(File.Exists)
            ?? throw new AgoraException($"{file} is not there", AppContext.BaseDirectory, $"TorchSharp has no native library for {RuntimeInformation.RuntimeIdentifier}, or the packages were not restored");
    }

    // The runtime itself is linked against libstdc++, so the one in use stands among the process's mappings.
    private static bool SystemLacksNeededVersion()
    {
        var library = File.ReadLines("/proc/self/maps").Select(line => line[(line.IndexOf('/') is >= 0 and var slash ? slash : line.Length)..])
            .FirstOrDefault(path => Path.GetFileName(path).StartsWith("libstdc++.so", StringComparison.Ordinal));
        return library is not null && File.ReadAllBytes(library).AsSpan().IndexOf(Encoding.ASCII.GetBytes(NeededVersion + "\0")) < 0;
    }

    private static string? ChosenFolder()
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is not { Length: > 0 } folder)
            return null;
        if (!File.Exists(Path.Combine(folder, TorchCpuLibrary)))
            throw new AgoraException($"{FolderVariable} names a folder without {TorchCpuLibrary}", folder, "name the lib folder of an unpacked libtorch 2.10, or unset the variable") { ExitCode = 2 };
        // TorchSharp loads what lies beside it before anything else, and two libtorches in one process end it.
        if (Path.GetDirectoryName(FindNativeLibrary())! is var own && File.Exists(Path.Combine(own, TorchCpuLibrary)))
            throw new AgoraException($"{FolderVariable} is set, and this build of Agora brings a libtorch of its own", own, "build with -p:AgoraTorch=none, or unset the variable") { ExitCode = 2 };
        return Path.GetFullPath(folder);
    }

    // Libraries that are loaded already are found by their names when others ask for them, wherever they lie.
    private static void LoadFrom(string folder, string native)
    {
        foreach (var dependency in new[] { "libc10.so", TorchCpuLibrary, "libc10_cuda.so", CudaLibrary, "libtorch.so" }.Select(name => Path.Combine(folder, name)).Where(File.Exists))
            NativeLibrary.Load(dependency);
        var handle = NativeLibrary.Load(native);
        NativeLibrary.SetDllImportResolver(typeof(torch).Assembly, (name, _, _) => name == TorchSharpName ? handle : IntPtr.Zero);
    }

    private static (string Path, string Reason) LoadCuredCopy(string original, string folder)
    {
        var image = File.ReadAllBytes(original);
        if (!ElfVersionNeeds.MakeWeak(image, NeededVersion))
            return (original, $"nothing to cure: {Path.GetFileName(original)} does not ask for {NeededVersion}");
        var copy = Store(image);
        LoadFrom(folder, copy);
        return (copy, $"the system's libstdc++ lacks {NeededVersion}; a copy in which that version is optional is used");
    }

    private static string Store(byte[] image)
    {
        var name = $"lib{TorchSharpName}-{Convert.ToHexStringLower(SHA256.HashData(image))[..16]}.so";
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } chosen
            ? chosen
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        try
        {
            return StoreIn(Directory.CreateDirectory(Path.Combine(cache, "agora", "native")).FullName, name, image);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // No home, or one that cannot be written: a fresh folder of this process. A fixed name under /tmp could be planted by another user.
            return StoreIn(Directory.CreateTempSubdirectory("agora-native-").FullName, name, image);
        }
    }

    private static string StoreIn(string folder, string name, byte[] image)
    {
        var path = Path.Combine(folder, name);
        if (File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(image))
            return path;
        var unfinished = $"{path}.{Environment.ProcessId}";
        File.WriteAllBytes(unfinished, image);
        File.Move(unfinished, path, overwrite: true);
        return path;
    }
}
