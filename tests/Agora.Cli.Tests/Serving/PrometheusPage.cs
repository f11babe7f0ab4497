using System.Globalization;
using System.Text.RegularExpressions;

namespace Agora.Tests.Serving;

/// <summary>Reads Prometheus' text format and checks what promtool checks: every sample has help and type before it, names and labels are well formed, no sample
/// comes twice, histograms grow to their count. Labels of the model are left out of the keys.</summary>
internal sealed partial class PrometheusPage
{
    private readonly Dictionary<string, double> samples = new(StringComparer.Ordinal);

    public double this[string key] => samples[key];

    public static PrometheusPage Parse(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        var page = new PrometheusPage();
        var types = new Dictionary<string, string>(StringComparer.Ordinal);
        var helped = new HashSet<string>(StringComparer.Ordinal);
        var buckets = new Dictionary<string, List<(double Bound, double Count)>>(StringComparer.Ordinal);
        string? family = null;
        foreach (var line in text[..^1].Split('\n'))
        {
            if (Comment().Match(line) is { Success: true } comment)
            {
                family = comment.Groups["name"].Value;
                if (comment.Groups["kind"].Value == "HELP")
                    Assert.True(helped.Add(family), $"{family} has help twice");
                else
                    Assert.True(types.TryAdd(family, comment.Groups["rest"].Value), $"{family} has a type twice");
                continue;
            }
            var match = Sample().Match(line);
            Assert.True(match.Success, $"not a sample: {line}");
            var name = match.Groups["name"].Value;
            Assert.NotNull(family);
            Assert.Contains(family, helped);
            var isHistogram = types[family] == "histogram";
            Assert.True(name == family || (isHistogram && (name == family + "_bucket" || name == family + "_sum" || name == family + "_count")), $"{name} stands under {family}");
            Assert.True(types[family] != "counter" || name.EndsWith("_total", StringComparison.Ordinal), $"the counter {name} does not end in _total");
            var labels = Label().Matches(match.Groups["labels"].Value).Select(label => (Name: label.Groups["name"].Value, Value: label.Groups["value"].Value)).ToList();
            Assert.Equal(match.Groups["labels"].Value, string.Join(',', labels.Select(label => $"{label.Name}=\"{label.Value}\"")));
            var value = double.Parse(match.Groups["value"].Value, CultureInfo.InvariantCulture);
            string Key(IEnumerable<(string Name, string Value)> of) => string.Join(',', of.Where(label => label.Name != "model").Select(label => $"{label.Name}={label.Value}"));
            var key = Key(labels) is { Length: > 0 } rest ? $"{name}{{{rest}}}" : name;
            Assert.True(page.samples.TryAdd(key, value), $"{key} comes twice");
            if (name == family + "_bucket")
            {
                var bound = labels.Single(label => label.Name == "le").Value;
                var series = $"{family}{{{Key(labels.Where(label => label.Name != "le"))}}}";
                if (!buckets.TryGetValue(series, out var list))
                    buckets.Add(series, list = []);
                list.Add((bound == "+Inf" ? double.PositiveInfinity : double.Parse(bound, CultureInfo.InvariantCulture), value));
            }
        }
        Assert.Equal(helped, types.Keys.ToHashSet());
        foreach (var (series, list) in buckets)
        {
            Assert.True(list.Zip(list.Skip(1)).All(pair => pair.First.Bound < pair.Second.Bound && pair.First.Count <= pair.Second.Count), $"{series} does not grow");
            Assert.Equal(double.PositiveInfinity, list[^1].Bound);
            Assert.Equal(page.samples[series.Replace("{}", "_count", StringComparison.Ordinal).Replace("{", "_count{", StringComparison.Ordinal)], list[^1].Count);
        }
        return page;
    }

    [GeneratedRegex("^# (?<kind>HELP|TYPE) (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<rest>.+)$")]
    private static partial Regex Comment();

    [GeneratedRegex("^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\\{(?<labels>.*)\\})? (?<value>[-+0-9.eE]+|NaN|[+-]Inf)$")]
    private static partial Regex Sample();

    [GeneratedRegex("(?<name>[a-zA-Z_][a-zA-Z0-9_]*)=\"(?<value>(?:[^\"\\\\]|\\\\.)*)\"")]
    private static partial Regex Label();
}
