using Agora.Students.Training;
using Agora.Tests;

namespace Agora.Cli.Tests;

/// <summary>Agora on a libtorch that is installed elsewhere than the packages put it.</summary>
public sealed class TorchFolderTests
{
    [Fact]
    public async Task An_installed_libtorch_is_used_in_place_of_the_packages()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "libtorch's files have other names here");
        using var folder = new ScratchFolder();
        var package = Path.GetDirectoryName(Directory.EnumerateFiles(AppContext.BaseDirectory, "libtorch_cpu.so", SearchOption.AllDirectories).First())!;
        // Copies, so that the loader cannot take them for the same files.
        foreach (var file in Directory.EnumerateFiles(package, "lib*.so*").Where(file => !Path.GetFileName(file).StartsWith("libLibTorchSharp", StringComparison.Ordinal)))
            File.Copy(file, Path.Combine(folder.Path, Path.GetFileName(file)));
        using var doctor = await AgoraProcess.RunAsync(folder.Path, [(TorchLibrary.FolderVariable, folder.Path)], ["doctor"]);
        Assert.Matches($@"libtorch +2\.\d+\.\d+(\.\d+)? in\s+{System.Text.RegularExpressions.Regex.Escape(folder.Path)}", doctor.Output);
        Assert.Contains("trains on the CPU", doctor.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_without_libtorch_is_refused()
    {
        using var folder = new ScratchFolder();
        using var doctor = await AgoraProcess.RunAsync(folder.Path, [(TorchLibrary.FolderVariable, folder.Path)], ["doctor"]);
        Assert.Contains("AGORA_LIBTORCH names a folder without libtorch_cpu.so", doctor.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_device_that_is_not_there_is_refused_before_anything_starts()
    {
        Assert.SkipWhen(TorchLibrary.HasCuda(), "this build has CUDA");
        using var folder = new ScratchFolder();
        using var run = await AgoraProcess.RunAsync(folder.Path, ["run", TinyExperiment.Shipped("own-data.yaml"), "--runs", "runs", "--set", "recipe.device=cuda:0"]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("its libtorch has no CUDA", run.Error, StringComparison.Ordinal);
        using var word = await AgoraProcess.RunAsync(folder.Path, ["run", TinyExperiment.Shipped("own-data.yaml"), "--runs", "runs", "--set", "recipe.device=gpu"]);
        Assert.Equal(2, word.ExitCode);
        Assert.Contains("recipe.device must match", word.Error, StringComparison.Ordinal);
    }
}
