using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.SeedData.Catalogue;

namespace Agora.Runs;

/// <summary>The <c>README.md</c> that the hub shows beside a data set: who wrote it, from what, how, for how much, and what was turned away.</summary>
public static class DatasetCard
{
    public const string FileName = "README.md";
    /// <summary>Stands in every card of ours, so that no text of the user's own is overwritten.</summary>
    private const string Mark = "<!-- written by agora generate --card -->";

    /// <param name="files">The files of each data set, in the folder of the card.</param>
    /// <exception cref="AgoraException">A README.md of another's is there, or the disk cannot be written.</exception>
    public static string Write(Experiment experiment, IReadOnlyList<(GeneratedData Data, ImmutableArray<string> Files)> files, string folder)
    {
        var path = Path.Combine(folder, FileName);
        try
        {
            if (File.Exists(path) && !File.ReadAllText(path).Contains(Mark, StringComparison.Ordinal))
                throw new AgoraException("a README.md that Agora did not write stands where the card belongs", path, "move it, or choose another --output folder") { ExitCode = 2 };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DurableFiles.Failure(path, error);
        }
        DurableFiles.Instance.WriteWhole(path, Encoding.UTF8.GetBytes(Text(experiment, files)));
        return path;
    }

    private static string Text(Experiment experiment, IReadOnlyList<(GeneratedData Data, ImmutableArray<string> Files)> files)
    {
        var card = new StringBuilder();
        FrontMatter(card, files);
        Line($"# {experiment.Name}: synthetic training data");
        Line();
        Line(Mark);
        Line();
        Line("Instruction-response pairs that language models wrote, made with Agora after AgoraBench (arXiv:2412.03679). Nobody has checked them one by one: they hold mistakes, and what their generators believe.");
        Line();
        Line("| generator | setting | instances | wanted | completions | input tokens | output tokens | dollars | seeds dropped |");
        Line("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach (var (data, _) in files)
        {
            var (summary, total) = (data.Summary, data.Summary.Bill.Total);
            Line($"| {data.Generator} | {data.Setting} | {Number(summary.Valid)} | {Number(summary.Wanted)} | {Number(total.Completions)} | {Number(total.InputTokens)} | {Number(total.OutputTokens)} | {Dollars(summary.Dollars)} | {Number(summary.DroppedSeeds)} |");
        }
        foreach (var shortfall in files.Select(file => file.Data.Summary.Shortfall).OfType<string>())
            Line($"\nIncomplete: {shortfall}.");
        Models(experiment, files);
        Rejects(files);
        Prompts(experiment, files);
        Licences(experiment, files);
        return card.ToString();

        void Line(string text = "") => card.Append(text).Append('\n');

        void Models(Experiment experiment, IReadOnlyList<(GeneratedData Data, ImmutableArray<string> Files)> files)
        {
            Line("\n## Generators and prices\n");
            foreach (var name in files.Select(file => file.Data.Generator).Distinct())
                Line($"- **{name}**: {Described(experiment.Models[name])}{(experiment.Models[name].MetaPrompt is { } variant ? $"; asked with the meta-prompt {variant.Name()}" : "")}");
            if (files.Any(file => file.Data.Setting.Method == GenerationMethod.BestOfN) && experiment.Generation.BestOf is { } bestOf && (bestOf.Judge ?? bestOf.Reward) is { } scoring)
                Line(string.Create(CultureInfo.InvariantCulture, $"- **{scoring}** chose the best of {bestOf.Candidates} responses in best_of_n: {Described(experiment.Models[scoring])}"));
            if (experiment.Generation.Filters.EmbeddingDuplicates is { } duplicates)
                Line($"- **{duplicates.Model}** made the vectors by which duplicates were found: {Described(experiment.Models[duplicates.Model])}");
        }

        static string Described(ModelSpec model)
        {
            var what = model.Provider == ModelSpec.Embedded ? $"the model folder `{Path.GetFileName(Path.TrimEndingDirectorySeparator(model.Path!))}`" : $"`{model.Model}` at {model.Endpoint ?? model.Provider}";
            return $"{what}; {(model.Price is not { } price ? "no price was given" : string.Create(CultureInfo.InvariantCulture, $"${price.Input} and ${price.Output} per million input and output tokens{(price.CachedInput is { } cached ? $", ${cached} for input from the prompt cache" : "")}"))}";
        }

        void Rejects(IReadOnlyList<(GeneratedData Data, ImmutableArray<string> Files)> files)
        {
            Line("\n## What was turned away\n");
            var rejected = files.SelectMany(file => file.Data.Summary.Bill.Rejected).GroupBy(line => line.Key, line => line.Value.Completions).OrderBy(group => group.Key).ToArray();
            if (rejected.Length == 0)
            {
                Line("Nothing.");
                return;
            }
            Line("| reason | completions |\n| --- | --- |");
            foreach (var reason in rejected) Line($"| `{reason.Key.Name()}` | {Number(reason.Sum())} |");
        }

        void Prompts(Experiment experiment, IReadOnlyList<(GeneratedData Data, ImmutableArray<string> Files)> files)
        {
            var spec = experiment.Generation;
            Line("\n## How they were asked\n");
            Line(string.Create(CultureInfo.InvariantCulture, $"Temperature {spec.Temperature}{Own(model => model.Temperature)}, top-p {spec.TopP}{Own(model => model.TopP)}, at most {spec.MaxNewTokens} new tokens, experiment seed {experiment.Seed}. System message: \"{spec.SystemMessage}\""));
            foreach (var (setting, variant) in files.Select(file => (file.Data.Setting, experiment.MetaPromptOf(file.Data.Generator))).Distinct().Order())
            {
                Line($"\n<details><summary>Meta-prompt of {setting} ({variant.Name()})</summary>\n");
                var template = MetaPrompts.Load(spec.Prompts, variant, spec.Json).For(setting).Template;
                var fence = new string('`', Math.Max(3, Longest(template) + 1));
                Line($"{fence}text\n{template}\n{fence}\n\n</details>");
            }

            string Own(Func<ModelSpec, double?> value)
            {
                string[] own = [.. from name in files.Select(file => file.Data.Generator).Distinct() let given = value(experiment.Models[name]) where given is not null select string.Create(CultureInfo.InvariantCulture, $"{name} {given}")];
                return own.Length > 0 ? $" ({string.Join(", ", own)})" : "";
            }
        }

        void Licences(Experiment experiment, IReadOnlyList<(GeneratedData Data, ImmutableArray<string> Files)> files)
        {
            Line("\n## Licence\n");
            Line("Not stated here, for the one who publishes has to decide it. It depends on the terms of each generator above, some of which restrict the training of other models on their output, and on the licences of the seed data:\n");
            foreach (var setting in files.Select(file => file.Data.Setting).Distinct().Order())
                Line($"- {setting}: {(experiment.SeedData.TryGetValue(setting, out var seeds) && setting.Method.NeedsSeeds ? Seeds(seeds.File) : "no seed data")}");
        }

        // Where a file lies on the writer's machine is nobody's business.
        static string Seeds(string file)
        {
            if (!DataName.IsNamed(file)) return $"seeds from `{Path.GetFileName(file)}`";
            if (!file.StartsWith(CatalogueEntry.Scheme, StringComparison.Ordinal)) return $"seeds from `{file}`, whose page tells their licence";
            var entry = DataCatalogue.Find(file[CatalogueEntry.Scheme.Length..]);
            return $"seeds from {entry.Title}: {string.Join("; ", entry.Parts.Select(part => $"{(part.Repository is { } repository ? $"`{repository}`" : "a copy of the writer's own")}, licence {part.Licence}"))}";
        }
    }

    private static void FrontMatter(StringBuilder card, IReadOnlyList<(GeneratedData Data, ImmutableArray<string> Files)> files)
    {
        card.Append("---\ntags:\n- synthetic\n- agora\nconfigs:\n");
        foreach (var (data, names) in files)
        {
            // One format is enough for the viewer, and two would double the rows.
            var shown = names.FirstOrDefault(name => name.EndsWith(".parquet", StringComparison.Ordinal)) ?? names[0];
            card.Append(CultureInfo.InvariantCulture, $"- config_name: \"{data.Generator}.{data.Setting.Domain.Name()}.{data.Setting.Method.Name()}\"\n  data_files: \"{shown}\"\n");
        }
        card.Append("---\n\n");
    }

    private static int Longest(string text)
    {
        var (longest, run) = (0, 0);
        foreach (var c in text)
        {
            run = c == '`' ? run + 1 : 0;
            longest = Math.Max(longest, run);
        }
        return longest;
    }

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Dollars(decimal? value) => value is { } dollars ? string.Create(CultureInfo.InvariantCulture, $"{dollars:0.00}") : "unknown";
}
