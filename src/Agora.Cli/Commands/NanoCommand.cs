using System.CommandLine;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.Nano;

namespace Agora.Cli.Commands;

/// <summary><c>agora nano build</c>: makes the embedded benchmark from nothing.</summary>
internal static class NanoCommand
{
    public static Command Create()
    {
        var output = new Option<string?>("--output") { Description = "Folder of the embedded benchmark; where absent the one that Agora brings.", HelpName = "folder" };
        var only = new Option<string[]>("--only") { Description = "Train only this model of the model card; repeatable." };
        var threads = new Option<int>("--threads") { Description = "Processor cores to use.", DefaultValueFactory = _ => Environment.ProcessorCount }.Within(1);
        var device = DeviceOption.Create();
        device.Description = "Where the models are measured: auto (a CUDA device where there is one), cpu, or cuda:N. They are trained on the CPU, whose bits they are shipped with.";
        var build = new Command("build", "Write seeds and benchmarks, train tokenizer and models, measure them. Seeded; what is trained already is left alone.") { output, only, threads, device };
        build.SetAction(async (parsed, cancellationToken) =>
        {
            var measuring = parsed.Device(device);
            var report = new SynchronousProgress(line => Console.Error.WriteLine(line));
            var folder = parsed.GetValue(output) ?? ShippedFiles.PathOf("nano");
            BringMetaPrompts(folder);
            await new NanoBuild(folder, parsed.GetValue(threads), report, measuring).RunAsync(parsed.GetValue(only) ?? [], cancellationToken);
            return ExitCodes.Done;
        });
        return new Command("nano", "The embedded benchmark: three tiny domains and the models that learn them.") { build };
    }

    /// <summary>Meta-prompts are all that is written by hand; where the folder has none of its own, it gets ours.</summary>
    private static void BringMetaPrompts(string folder)
    {
        if (Directory.Exists(Path.Combine(folder, "prompts", MetaPromptVariant.Agorabench.Name())))
            return;
        var shipped = ShippedFiles.PathOf("nano", "prompts");
        foreach (var file in Directory.EnumerateFiles(shipped, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(folder, "prompts", Path.GetRelativePath(shipped, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy, overwrite: true);
        }
    }

    // Lines in the order in which they are said.
    private sealed class SynchronousProgress(Action<string> say) : IProgress<string>
    {
        public void Report(string value) => say(value);
    }
}
