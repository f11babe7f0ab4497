using System.Text.Json;
using System.Xml.Linq;
using Agora.Experiments;

namespace Agora.Tests.Experiments;

public sealed class ExperimentSchemaTests
{
    private static readonly string Written = ExperimentSchema.Write(XDocument.Load(Path.Combine(AppContext.BaseDirectory, "Agora.xml")));

    [Fact]
    public void The_committed_schema_is_the_records() => GoldenFile.Matches(Written, "docs", "experiment.schema.json");

    [Fact]
    public void The_schema_refuses_unknown_keys_everywhere()
    {
        using var schema = JsonDocument.Parse(Written);
        foreach (var section in schema.RootElement.GetProperty("$defs").EnumerateObject().Select(definition => definition.Value).Append(schema.RootElement))
            Assert.Equal(JsonValueKind.False, section.GetProperty("additionalProperties").ValueKind);
    }
}
