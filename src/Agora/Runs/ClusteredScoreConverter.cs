using System.Text.Json;
using System.Text.Json.Serialization;
using Agora.Recovery;

namespace Agora.Runs;

/// <summary>A score with its standard error and interval as one flat object; <c>low</c> and <c>high</c> are missing where the interval has no bounds, and <c>why</c> says so.</summary>
internal sealed class ClusteredScoreConverter : JsonConverter<ClusteredScore>
{
    public override ClusteredScore Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var row = JsonSerializer.Deserialize<Row>(ref reader, options) ?? throw new JsonException("not a score");
        return new ClusteredScore
        {
            Mean = row.Mean,
            StandardError = row.StandardError,
            Interval = row is { Low: { } low, High: { } high } ? new ConfidenceInterval.Bounds(low, high) : new ConfidenceInterval.Unbounded(row.Why ?? "unknown"),
            IntervalMethod = row.IntervalMethod,
            Items = row.Items,
            Graded = row.Graded,
        };
    }

    public override void Write(Utf8JsonWriter writer, ClusteredScore value, JsonSerializerOptions options)
    {
        var bounds = value.Interval as ConfidenceInterval.Bounds;
        var why = (value.Interval as ConfidenceInterval.Unbounded)?.Reason;
        JsonSerializer.Serialize(writer, new Row(value.Mean, value.StandardError, bounds?.Low, bounds?.High, why, value.IntervalMethod, value.Items, value.Graded), options);
    }

    private sealed record Row(
        double Mean,
        double? StandardError,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Low,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? High,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Why,
        string IntervalMethod,
        int Items,
        int Graded);
}
