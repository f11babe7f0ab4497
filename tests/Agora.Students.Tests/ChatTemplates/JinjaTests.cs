using System.Globalization;
using System.Text.Json;
using Agora.Experiments;
using Agora.Students.ChatTemplates;

namespace Agora.Tests.ChatTemplates;

/// <summary>Construct by construct against Jinja2: recorded, so that every machine checks it, and live where python3-jinja2 is installed.</summary>
public sealed class JinjaTests
{
    private static readonly JsonElement Variables = JsonDocument.Parse(File.ReadAllText(Path.Combine(JinjaReference.Folder, "variables.json"))).RootElement;

    private static readonly Dictionary<string, string> Templates = File.ReadAllText(Path.Combine(JinjaReference.Folder, "templates.txt"))[4..].TrimEnd('\n').Split("\n=== ")
        .Select(part => part.Split('\n', 2)).ToDictionary(part => part[0], part => part[1]);

    private static readonly Dictionary<string, Rendering> Expected =
        JsonSerializer.Deserialize<Dictionary<string, Rendering>>(File.ReadAllText(Path.Combine(JinjaReference.Folder, "expected.json")), JsonSerializerOptions.Web)!;

    public static IEnumerable<TheoryDataRow<string>> Constructs() => Templates.Keys.Select(name => new TheoryDataRow<string>(name));

    [Theory]
    [MemberData(nameof(Constructs))]
    public void Every_construct_renders_as_Jinja_renders_it(string construct)
    {
        var ours = Render(Templates[construct]);
        var expected = Expected[construct];
        Assert.Equal(expected.Text, ours.Text);
        Assert.Equal(expected.Error is null, ours.Error is null);
        // A refusal of the template itself keeps its words.
        if (expected.Error?.Split("TemplateError: ") is ["", var message])
            Assert.Contains(message, ours.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_record_is_what_Jinja_renders()
    {
        var live = JinjaReference.Render(Templates.Values, Variables);
        Assert.Equal(Templates.Keys, Expected.Keys);
        foreach (var ((name, recorded), now) in Expected.Zip(live))
            Assert.True(recorded.Text == now.Text && recorded.Error is null == now.Error is null, $"{name}: run jinja_reference.py record");
    }

    // What Jinja renders we render the same, or refuse by name; what Jinja refuses we may render, for a message may be as helpful as an error is.
    [Fact]
    public void Random_templates_render_as_Jinja_renders_them() => Compare(new RandomTemplates(seed: 1), 3_000);

    [Fact]
    [Trait("Category", "Nightly")]
    public void Many_random_templates_render_as_Jinja_renders_them() => Compare(new RandomTemplates(Seed), 100_000);

    /// <summary>Another one every day; AGORA_TEMPLATE_SEED repeats one.</summary>
    private static int Seed => Environment.GetEnvironmentVariable("AGORA_TEMPLATE_SEED") is { Length: > 0 } given ? int.Parse(given, CultureInfo.InvariantCulture) : DateTime.UtcNow.DayOfYear + 1;

    private static void Compare(RandomTemplates random, int count)
    {
        var templates = Enumerable.Range(0, count).Select(_ => random.Next()).ToList();
        var rendered = 0;
        var different = new List<string>();
        foreach (var (template, theirs) in templates.Zip(JinjaReference.Render(templates, Variables)))
        {
            var ours = Render(template);
            rendered += theirs.Text is null ? 0 : 1;
            if (theirs.Text is not null && ours.Text != theirs.Text && !IsAddress(theirs.Text) && ours.Error?.Contains("not support", StringComparison.Ordinal) != true
                // Jinja writes an address here, which other filters then count or cut.
                && ours.Error?.Contains("has yet to make", StringComparison.Ordinal) != true
                && ours.Error?.Contains("nests more than", StringComparison.Ordinal) != true
                // Of constants Jinja makes nothing where it fails on variables.
                && ours.Error?.Contains("cannot slice", StringComparison.Ordinal) != true)
                different.Add(string.Create(CultureInfo.InvariantCulture, $"template: {template}\nJinja: {theirs.Text}\nours: {ours.Text ?? ours.Error}"));
        }
        Assert.True(different.Count == 0, $"{different.Count} differ with seed {random.Seed}:\n" + string.Join("\n\n", different.OrderBy(text => text.Length).Take(40)));
        Assert.True(rendered > count / 4, $"only {rendered} of {count} templates can be rendered at all");
    }

    // Where a function or generator itself is written, Jinja writes its address.
    private static bool IsAddress(string text) => text.Contains(" at 0x", StringComparison.OrdinalIgnoreCase);

    private static Rendering Render(string template)
    {
        try
        {
            return new(ChatTemplate.Parse(template, "test", new Dictionary<string, string>(), new Then()).Render(Variables.EnumerateObject().ToDictionary(member => member.Name, member => member.Value)), null);
        }
        catch (AgoraException exception)
        {
            return new(null, exception.Message);
        }
    }

    private sealed class Then : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 11, 28, 14, 5, 9, TimeSpan.Zero);
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;
    }
}
