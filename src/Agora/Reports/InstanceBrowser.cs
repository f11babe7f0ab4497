using System.Collections.Immutable;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Agora.Experiments;

namespace Agora.Reports;

/// <summary>Instances of every data set with all that was said of them, to be filtered and leafed through in the page itself.</summary>
/// <remarks>The page carries a random sample; the files beside it hold all. Texts are data of a script that never reads them as markup.</remarks>
internal static class InstanceBrowser
{
    // Together below half of the five megabytes that a page may have.
    private const int MostInAll = 1600, MostOfOne = 60, LongestText = 1600, MostBytes = 2_200_000;

    private static readonly Lazy<string> Source = new(() =>
    {
        using var resource = Assembly.GetExecutingAssembly().GetManifestResourceStream("Agora.Reports.instance-browser.js")
            ?? throw new InvalidOperationException("the script is not in the assembly");
        return new StreamReader(resource).ReadToEnd();
    });

    /// <summary>The one script that the page's policy lets run.</summary>
    public static string Script => Source.Value;

    public static string ScriptHash => $"sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Script)))}";

    public static Markup Render(RunReport report, SampleFiles files)
    {
        if (files.Instances.IsEmpty)
            return Markup.None;
        var each = Math.Clamp(MostInAll / files.Instances.Length, 1, MostOfOne);
        var bytes = MostBytes / files.Instances.Length;
        var random = new RandomStreams(report.Experiment.Seed);
        var data = new
        {
            Sets = files.Instances.Select(file => new { file.Samples.Generator, Setting = file.Samples.Setting.Title(), file.Samples.Count, file.Path }),
            Instances = files.Instances.SelectMany((file, set) => Chosen(file.Samples, each, bytes, random).Select(one => new
            {
                Set = set,
                one.Sample.Index,
                Instruction = Shortened(one.Sample.Instruction),
                Response = Shortened(one.Sample.Response),
                Origin = one.Sample.Origin.Select(fact => (string[])[fact.Name, Markup.Shown(fact.Value)]),
                Verdicts = one.Verdicts.Select(verdict => (object?[])[verdict.Name, verdict.Value, Markup.Shown(verdict.Text)]),
            })),
        };
        // The serializer writes <, > and & as \u003c and so on: nothing in the data can end the element.
        var json = new Markup(JsonSerializer.Serialize(data, JsonSerializerOptions.Web));
        return Markup.Of($"""
            <p>A random sample of each data set, with every verdict on each instance. The files hold all instances, one JSON object a line.</p>
            <noscript><p class="warning">Leafing through the sample needs the page's own script. All instances stand in the files:</p></noscript>
            <form class="browser" id="browser" hidden="hidden" aria-label="Choose instances">
            <label>Generator <select name="generator"><option value="">all</option></select></label>
            <label>Setting <select name="setting"><option value="">all</option></select></label>
            <label>Order <select name="order"><option value="">by place</option></select></label>
            <label>Words <input name="words" type="search" placeholder="in instruction or response"/></label>
            </form>
            <p id="browser-state" role="status" aria-live="polite"></p>
            <div id="browser-list"></div>
            <p class="pages" id="browser-pages" hidden="hidden"><button type="button" data-step="-1">Earlier</button> <button type="button" data-step="1">Later</button></p>
            <details><summary>The files: {ReportText.Count(files.Instances.Length)} data sets</summary><ul>{Markup.Join(files.Instances.Select(file => Markup.Of($"""<li><a href="{file.Path}">{file.Samples.Generator}, {file.Samples.Setting.Title()}</a>: {ReportText.Count(file.Samples.Count)} instances</li>""")))}</ul></details>
            <script type="application/json" id="browser-data">{json}</script>

            """);
    }

    private static IEnumerable<(InstanceSample Sample, ImmutableArray<Verdict> Verdicts)> Chosen(InstanceSamples source, int each, int bytes, RandomStreams random)
    {
        if (source.Count == 0)
            yield break;
        var places = random.For($"report/{source.Generator} {source.Setting}").Sample(source.Count, Math.Min(each, source.Count)).ToHashSet();
        var verdicts = source.Verdicts(places);
        var isFirst = true;
        foreach (var (place, sample) in source.Pick is { } pick ? pick(places) : source.Instances.Index().Where(entry => places.Contains(entry.Index)))
        {
            bytes -= 300 + Math.Min(sample.Instruction.Length, LongestText) + Math.Min(sample.Response.Length, LongestText);
            if (bytes < 0 && !isFirst)
                yield break;
            isFirst = false;
            yield return (sample, verdicts.GetValueOrDefault(place, []));
        }
    }

    private static string Shortened(string text) => Markup.Shown(text.Length <= LongestText ? text : $"{text[..LongestText]} … ({ReportText.Count(text.Length - LongestText)} more characters in the file)");
}
