using System.Text;

namespace Agora.Experiments;

/// <summary>The YAML file, JSON included, that holds one <see cref="Experiment"/>; read strictly, every fault at once.</summary>
/// <remarks>
/// Paths in the file are relative to the file's own folder, paths in overrides to the working directory; once read they are absolute,
/// so that an experiment runs the same from wherever it is started.
/// </remarks>
public static class ExperimentFile
{
    private const int LargestBytes = 1 << 20;
    private const int MostFaultsShown = 50;

    /// <param name="path">The file.</param>
    /// <param name="overrides">Of the command line: a path such as <c>generation.instances</c> and a YAML value; the last of two wins.</param>
    /// <exception cref="AgoraException">With exit code 2: no such file, or its faults, each as <c>file:line:col  path rule, got value</c>.</exception>
    public static Experiment Load(string path, IReadOnlyList<(string Path, string Value)> overrides)
    {
        var text = Text(path);
        var faults = new List<ExperimentFault>();
        var experiment = Read(text, path, overrides, faults);
        if (experiment is not null)
            return experiment;
        var shown = faults.Take(MostFaultsShown).Select(fault => $"\n  {fault}");
        var more = faults.Count > MostFaultsShown ? $"\n  … and {faults.Count - MostFaultsShown} more" : "";
        throw Wrong(
            $"the experiment has {(faults.Count == 1 ? "a fault" : $"{faults.Count} faults")}:{string.Concat(shown)}{more}",
            path,
            $"correct the {(faults.Count == 1 ? "line" : "lines")} above and check again with \"agora validate {path}\"; docs/experiment.schema.json lists every key");
    }

    /// <summary>The faults alone; none where the experiment can be run.</summary>
    /// <exception cref="AgoraException">The file cannot be read at all.</exception>
    public static IReadOnlyList<ExperimentFault> Faults(string path, IReadOnlyList<(string Path, string Value)> overrides)
    {
        var faults = new List<ExperimentFault>();
        Read(Text(path), path, overrides, faults);
        return faults;
    }

    /// <summary>The experiment in full, defaults included, in the form that <see cref="Load"/> reads.</summary>
    public static string Write(Experiment experiment) => ExperimentWriter.Write(experiment);

    internal static Experiment? Read(string text, string source, IReadOnlyList<(string Path, string Value)> overrides, List<ExperimentFault> faults)
    {
        var root = ExperimentText.Parse(text, source, faults);
        if (root is null)
            return null;
        ExperimentOverrides.Apply(root, overrides, faults);
        var ownFolder = Path.GetDirectoryName(Path.GetFullPath(source))!;
        var reader = new ExperimentReader(faults, position => position.Line == 0 ? Directory.GetCurrentDirectory() : ownFolder);
        var experiment = (Experiment?)reader.Section(typeof(Experiment), root, "");
        if (root is MapNode map)
            new ExperimentRules(map, faults).Check();
        if (faults.Count > 0)
        {
            // In the order of the file; what the command line said comes last.
            var ordered = faults.Distinct().OrderBy(fault => fault.Position.Line == 0).ThenBy(fault => fault.Position.Line).ThenBy(fault => fault.Position.Column).ToList();
            faults.Clear();
            faults.AddRange(ordered);
            return null;
        }
        return MetaPromptAxis.SpelledOut(WithFoundPrompts(experiment!, ownFolder));
    }

    // The default folder is the one that Agora brings: beside the experiment or above it, else beside the program or above that.
    private static Experiment WithFoundPrompts(Experiment experiment, string ownFolder)
    {
        var prompts = experiment.Generation.Prompts;
        if (Path.IsPathRooted(prompts))
            return experiment;
        foreach (var start in (ReadOnlySpan<string>)[ownFolder, AppContext.BaseDirectory])
            for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
                if (Directory.Exists(Path.Combine(folder.FullName, prompts)))
                    return experiment with { Generation = experiment.Generation with { Prompts = Path.Combine(folder.FullName, prompts) } };
        return experiment with { Generation = experiment.Generation with { Prompts = Path.Combine(ownFolder, prompts) } };
    }

    private static string Text(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            var bytes = new byte[LargestBytes + 1];
            var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length > LargestBytes)
                throw Wrong($"the file is larger than {LargestBytes >> 20} MiB", path, "name an experiment file; data belong into files that it refers to");
            var start = bytes.AsSpan(0, length).StartsWith(Encoding.UTF8.Preamble) ? 3 : 0;
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes, start, length - start);
        }
        catch (DecoderFallbackException fault)
        {
            throw Wrong($"byte {fault.Index} is not UTF-8", path, "save the file as UTF-8", fault);
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Wrong("there is no such experiment file", path, "check the path; experiments/ holds examples", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Wrong($"the experiment file cannot be read: {fault.Message}", path, "check that it is a file and that you may read it", fault);
        }
    }

    private static AgoraException Wrong(string what, string path, string fix, Exception? cause = null) => new(what, path, fix, cause) { ExitCode = 2 };
}
