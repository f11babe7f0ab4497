using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Agora.Experiments;
using Agora.SeedData;

namespace Agora.Runs;

/// <summary>One spelling for each JSON value, so that equal parameters have equal bytes and therefore equal keys.</summary>
/// <remarks>Names in ordinal order, no white space, numbers without trailing zeros.</remarks>
public static class CanonicalJson
{
    /// <summary>How records of this project are written where they become parameters of a step or files of a run.</summary>
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters =
        {
            new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false),
            new SettingConverter(),
            new SeedIdConverter(),
            new GenerationMethodConverter(),
        },
    };

    /// <summary>The same, for files that people read.</summary>
    public static JsonSerializerOptions Indented { get; } = new(Options) { WriteIndented = true, NewLine = "\n" };

    /// <summary>What is wrong with a file of ours that cannot be read, for the person at the terminal: the framework's own words name its types.</summary>
    public static string Fault(Exception error) => error switch
    {
        JsonException { LineNumber: { } line, BytePositionInLine: { } place } => string.Create(CultureInfo.InvariantCulture, $"it is damaged or of another version, at line {line + 1}, byte {place + 1}"),
        JsonException => "it is damaged or of another version: not the JSON that belongs there",
        _ => error.Message,
    };

    /// <summary>The value as a JSON tree.</summary>
    public static JsonNode? ToNode<T>(T value) => JsonSerializer.SerializeToNode(value, Options);

    /// <summary>UTF-8 without byte order mark.</summary>
    public static byte[] Write(JsonNode? node)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = Options.Encoder }))
            Write(node, writer);
        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(JsonNode? node, Utf8JsonWriter writer)
    {
        switch (node)
        {
            case JsonObject members:
                writer.WriteStartObject();
                foreach (var (name, value) in members.OrderBy(member => member.Key, StringComparer.Ordinal))
                {
                    writer.WritePropertyName(name);
                    Write(value, writer);
                }
                writer.WriteEndObject();
                break;
            case JsonArray items:
                writer.WriteStartArray();
                foreach (var item in items)
                    Write(item, writer);
                writer.WriteEndArray();
                break;
            case JsonValue value when value.GetValueKind() == JsonValueKind.Number:
                writer.WriteRawValue(Plain(value.ToJsonString()), skipInputValidation: true);
                break;
            case null:
                writer.WriteNullValue();
                break;
            default:
                node.WriteTo(writer, Options);
                break;
        }
    }

    // A price of 2.50 dollars is a price of 2.5 dollars.
    private static string Plain(string number) =>
        number.Contains('.', StringComparison.Ordinal) && !number.Contains('e', StringComparison.OrdinalIgnoreCase)
            ? number.TrimEnd('0').TrimEnd('.')
            : number;

    private sealed class SettingConverter : JsonConverter<Setting>
    {
        public override Setting Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            Setting.TryParse(reader.GetString(), out var setting) ? setting : throw new JsonException("not a setting");

        public override void Write(Utf8JsonWriter writer, Setting value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString());

        public override Setting ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            Read(ref reader, typeToConvert, options);

        public override void WriteAsPropertyName(Utf8JsonWriter writer, Setting value, JsonSerializerOptions options) =>
            writer.WritePropertyName(value.ToString());
    }

    private sealed class GenerationMethodConverter : JsonConverter<GenerationMethod>
    {
        public override GenerationMethod Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.GetString() is { } name && GenerationMethod.All.Any(method => method.Name() == name) ? GenerationMethod.All.First(method => method.Name() == name) : throw new JsonException("not a method");

        public override void Write(Utf8JsonWriter writer, GenerationMethod value, JsonSerializerOptions options) => writer.WriteStringValue(value.Name());
    }

    private sealed class SeedIdConverter : JsonConverter<SeedId>
    {
        public override SeedId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            new(reader.GetString() ?? throw new JsonException("not a seed id"));

        public override void Write(Utf8JsonWriter writer, SeedId value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.Value);
    }
}
