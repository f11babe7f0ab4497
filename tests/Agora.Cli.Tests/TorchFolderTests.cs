using System.Diagnostics;
using Agora.Students.Training;
using Agora.Tests;

namespace Agora.Cli.Tests;

/// <summary>Agora on a libtorch that is installed elsewhere than the packages put it.</summary>
public sealed class TorchFolderTests
{
    // A build with -p:AgoraTorch=none is the same files without libtorch's.
    [Fact]
    public async Task A_build_without_libtorch_uses_an_installed_one()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "libtorch's files have other names here");
        using var folder = new ScratchFolder();
        foreach (var file in Directory.EnumerateFiles(AppContext.BaseDirectory).Where(file => !IsOfLibtorch(file) && !file.EndsWith(".deps.json", StringComparison.Ordinal)))
            File.Copy(file, Path.Combine(folder.Path, Path.GetFileName(file)));
        var (output, error) = await DoctorAsync(Path.Combine(folder.Path, "Agora.Cli.dll"), AppContext.BaseDirectory);
        Assert.True(System.Text.RegularExpressions.Regex.IsMatch(output, $@"libtorch +2\.\d+\.\d+(\.\d+)? in\s+{System.Text.RegularExpressions.Regex.Escape(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory))}"), output + error);
        Assert.Contains("trains on the CPU", output, StringComparison.Ordinal);
    }

    // Two in one process would end it.
    [Fact]
    public async Task A_build_with_its_own_libtorch_refuses_another()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "libtorch's files have other names here");
        var (output, _) = await DoctorAsync(Path.Combine(AppContext.BaseDirectory, "Agora.Cli.dll"), AppContext.BaseDirectory);
        Assert.Contains("this build of Agora brings a libtorch of its own", output, StringComparison.Ordinal);
        Assert.Contains("-p:AgoraTorch=none", output, StringComparison.Ordinal);
    }

    private static bool IsOfLibtorch(string file) => Path.GetFileName(file) is var name && name.StartsWith("lib", StringComparison.Ordinal) && name.Contains(".so", StringComparison.Ordinal)
        && !name.StartsWith("libLibTorchSharp", StringComparison.Ordinal) && !name.StartsWith("libSkiaSharp", StringComparison.Ordinal);

    private static async Task<(string Output, string Error)> DoctorAsync(string program, string libtorch)
    {
        var start = new ProcessStartInfo(AgoraProcess.Command[0], ["exec", program, "doctor"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[TorchLibrary.FolderVariable] = libtorch;
        start.Environment["NO_COLOR"] = "1";
        using var doctor = Process.Start(start)!;
        var (output, error) = (doctor.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken), doctor.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        await doctor.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (await output, await error);
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
