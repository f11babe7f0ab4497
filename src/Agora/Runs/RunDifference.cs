using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.RepresentationModel;

namespace Agora.Runs;

/// <summary>What two runs were asked for, what they were done with and what came out, where it differs.</summary>
/// <param name="Section">experiment, environment, step or score.</param>
/// <param name="Name">Path of the member, name of the step, or who answered what.</param>
/// <param name="First">Null where only the second run has it.</param>
/// <param name="Second">Null where only the first run has it.</param>
public sealed record RunDifference(string Section, string Name, string? First, string? Second)
{
    /// <summary>Differences in a fixed order: experiment, environment, steps, scores.</summary>
    public static ImmutableArray<RunDifference> Between(RunFolder first, RunFolder second) =>
    [
        .. Compare("experiment", Members(Yaml(first)), Members(Yaml(second))),
        .. Compare("environment", Members(CanonicalJson.ToNode(first.Environment())), Members(CanonicalJson.ToNode(second.Environment()))),
        .. Compare("step", first.Steps().Select(step => (step.Name, step.Key)), second.Steps().Select(step => (step.Name, step.Key))),
        .. Compare("score", first.Scores().Select(Score), second.Scores().Select(Score)),
    ];

    private static IEnumerable<RunDifference> Compare(string section, IEnumerable<(string Name, string Value)> first, IEnumerable<(string Name, string Value)> second)
    {
        var left = first.ToDictionary();
        var right = second.ToDictionary();
        return from name in left.Keys.Union(right.Keys).ToList()
               let one = left.GetValueOrDefault(name)
               let other = right.GetValueOrDefault(name)
               where one != other
               select new RunDifference(section, name, one, other);
    }

    private static (string Name, string Value) Score(RecordedScore score) => ($"{score.Benchmark} by {score.By}", string.Create(CultureInfo.InvariantCulture,
        $"{(score.Mean is { } mean ? $"{100 * mean:0.00}" : "no score")} ({score.Graded} graded, {score.Unscored} not)"));

    private static YamlNode Yaml(RunFolder run)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(run.ExperimentText()));
        return stream.Documents[0].RootNode;
    }

    private static IEnumerable<(string Name, string Value)> Members(YamlNode node, string path = "") => node switch
    {
        YamlMappingNode map => map.Children.SelectMany(member => Members(member.Value, Below(path, ((YamlScalarNode)member.Key).Value!))),
        YamlSequenceNode list => list.Children.SelectMany((item, place) => Members(item, $"{path}[{place}]")),
        _ => [(path, ((YamlScalarNode)node).Value ?? "")],
    };

    private static IEnumerable<(string Name, string Value)> Members(JsonNode? node, string path = "") => node switch
    {
        JsonObject map => map.SelectMany(member => Members(member.Value, Below(path, member.Key))),
        JsonArray list => list.SelectMany((item, place) => Members(item, $"{path}[{place}]")),
        _ => [(path, node?.ToString() ?? "")],
    };

    private static string Below(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";
}
