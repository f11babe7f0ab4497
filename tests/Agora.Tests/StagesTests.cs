using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.Runs;

namespace Agora.Tests;

/// <summary>Arrows point forward: the table in docs/architecture.md is held against the compiled code and the projects.</summary>
public sealed partial class StagesTests
{
    private const string Root = "Agora.";
    private static readonly Assembly Stages = typeof(Experiment).Assembly;

    [Fact]
    public void A_stage_uses_only_the_stages_that_the_table_allows()
    {
        var table = Table();
        var forbidden = from type in Stages.GetTypes()
                        let stage = StageOf(type)
                        where stage is not null
                        from used in TypeReferences.Of(type)
                        let usedStage = StageOf(used)
                        where usedStage is not null && usedStage != stage && !table[stage].Allows(usedStage, used)
                        select $"{type} ({stage}) uses {used} ({usedStage})";
        Assert.Empty(forbidden.Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_folder_of_the_code_stands_in_the_table()
    {
        var folders = Directory.GetDirectories(Path.Combine(Fixtures.Checkout, "src", "Agora")).Select(Path.GetFileName).Where(name => name is not ("bin" or "obj"));
        Assert.Empty(folders.Except(Table().Keys));
    }

    [Fact]
    public void The_scan_sees_what_a_method_calls_and_not_only_its_signature()
    {
        // The step calls the data generator in the body of an async method, which the compiler moves to a nested type.
        var step = typeof(GenerateStep);
        Assert.Contains(typeof(DataGenerator), step.GetNestedTypes(BindingFlags.NonPublic).Append(step).SelectMany(TypeReferences.Of));
    }

    [Fact]
    public void Projects_reference_only_the_projects_that_the_table_allows()
    {
        var row = ProjectsRow().Match(File.ReadAllText(TableFile)).Groups["uses"].Value;
        var allowed = row.Split(';').Select(entry => entry.Split('→')).ToDictionary(
            entry => entry[0].Trim(), entry => entry[1].Split(',').Select(name => name.Trim()).ToHashSet());
        foreach (var (name, project) in Projects())
        {
            var used = project.Descendants("ProjectReference").Select(reference => ShortName((string)reference.Attribute("Include")!)).ToList();
            var may = name == "Agora" ? [] : allowed[name];
            if (!may.Contains("all"))
                Assert.Empty(used.Except(may));
        }
    }

    [Fact]
    public void Native_code_stays_in_the_projects_of_students_and_figures() => Assert.Equal(["Figures", "Students"], Projects()
        .Where(entry => entry.Project.Descendants("PackageReference").Any(package => NativePackage().IsMatch((string)package.Attribute("Include")!)))
        .Select(entry => entry.Name));

    private static string TableFile => Path.Combine(Fixtures.Checkout, "docs", "architecture.md");

    private static Dictionary<string, Allowance> Table() =>
        (from row in TableRow().Matches(File.ReadAllText(TableFile))
         from stage in row.Groups["stages"].Value.Split(',')
         where stage.Trim() is not ("stage" or "folder")
         select (stage.Trim(), Allowance.Parse(row.Groups["uses"].Value))).ToDictionary();

    private static string? StageOf(Type type) =>
        type.Assembly == Stages && type.Namespace is { } name && name.StartsWith(Root, StringComparison.Ordinal) ? name[Root.Length..].Split('.')[0] : null;

    private static IEnumerable<(string Name, XDocument Project)> Projects() =>
        from path in Directory.EnumerateFiles(Path.Combine(Fixtures.Checkout, "src"), "*.csproj", SearchOption.AllDirectories)
        orderby path
        select (ShortName(path), XDocument.Load(path));

    private static string ShortName(string project) => Path.GetFileNameWithoutExtension(project) is var name && name.StartsWith(Root, StringComparison.Ordinal)
        ? name[Root.Length..]
        : name;

    // Rows of names with capitals: the table of folders above it writes paths.
    [GeneratedRegex(@"^\| (?<stages>[A-Z][A-Za-z]*(?:, [A-Z][A-Za-z]*)*) \| (?<uses>[^|]+) \|\r?$", RegexOptions.Multiline)]
    private static partial Regex TableRow();

    [GeneratedRegex(@"^\| \*projects\* \| (?<uses>[^|]+) \|", RegexOptions.Multiline)]
    private static partial Regex ProjectsRow();

    [GeneratedRegex("torch|skia|onnx", RegexOptions.IgnoreCase)]
    private static partial Regex NativePackage();

    /// <param name="RecordsOnly">Stages of which only the data may be used.</param>
    private sealed record Allowance(bool Everything, HashSet<string> Whole, HashSet<string> RecordsOnly)
    {
        public static Allowance Parse(string uses)
        {
            if (uses.Trim() is "every stage")
                return new Allowance(true, [], []);
            var names = uses.Trim() is "nothing" ? [] : uses.Split(',').Select(name => name.Trim()).ToList();
            const string Records = " (its records)";
            return new Allowance(false,
                [.. names.Where(name => !name.EndsWith(Records, StringComparison.Ordinal))],
                [.. names.Where(name => name.EndsWith(Records, StringComparison.Ordinal)).Select(name => name[..^Records.Length])]);
        }

        public bool Allows(string stage, Type type) => Everything || Whole.Contains(stage) || (RecordsOnly.Contains(stage) && IsData(type));

        private static bool IsData(Type type) => type.IsEnum || type.GetMethod("<Clone>$") is not null || type.GetMethod("PrintMembers", BindingFlags.NonPublic | BindingFlags.Instance) is not null;
    }
}
