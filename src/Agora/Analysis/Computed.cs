using System.Text.Json;
using System.Text.Json.Serialization;

namespace Agora.Analysis;

/// <summary>A result, or why there is none: no mean may swallow what could not be computed.</summary>
[JsonConverter(typeof(ComputedJson))]
public abstract record Computed<T>
{
    private Computed() { }

    public sealed record Value(T Result) : Computed<T>;

    /// <param name="Reason">What is missing, for the reader.</param>
    public sealed record NotComputable(string Reason) : Computed<T>;

    public T? ResultOrDefault => this is Value(var result) ? result : default;

    public string? Why => (this as NotComputable)?.Reason;

    public static implicit operator Computed<T>(T result) => new Value(result);
}

/// <summary>In JSON a result is written as itself, and a missing one as <c>{"notComputable": "reason"}</c>.</summary>
internal sealed class ComputedJson : JsonConverterFactory
{
    public override bool CanConvert(Type typeToConvert) => typeToConvert.IsGenericType && typeToConvert.GetGenericTypeDefinition() == typeof(Computed<>);

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        (JsonConverter)Activator.CreateInstance(typeof(Writer<>).MakeGenericType(typeToConvert.GetGenericArguments()))!;

    private sealed class Writer<T> : JsonConverter<Computed<T>>
    {
        public override Computed<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException("an analysis is written, and computed anew instead of being read");

        public override void Write(Utf8JsonWriter writer, Computed<T> value, JsonSerializerOptions options)
        {
            if (value is Computed<T>.Value(var result))
            {
                JsonSerializer.Serialize(writer, result, options);
                return;
            }
            writer.WriteStartObject();
            writer.WriteString("notComputable", value.Why);
            writer.WriteEndObject();
        }
    }
}
