using System.Buffers;
using System.Collections;
using System.Globalization;
using System.Text.Json;
using Agora.Experiments;
using Parquet;
using Parquet.Serialization;

namespace Agora.SeedData;

/// <summary>Rows of a Parquet file as JSON objects, lists and structures included; one row group in memory at a time.</summary>
internal static class ParquetObjects
{
    /// <exception cref="AgoraException">The file is missing or damaged.</exception>
    public static IEnumerable<JsonElement> Read(string file)
    {
        using var stream = RowReader.Open(file);
        var groups = OrDamaged(file, async () =>
        {
            await using var reader = await ParquetReader.CreateAsync(stream, leaveStreamOpen: true);
            return reader.RowGroupCount;
        });
        var text = new ArrayBufferWriter<byte>();
        for (var group = 0; group < groups; group++)
        {
            var place = group;
            var rows = OrDamaged(file, () => ParquetSerializer.DeserializeUntypedAsync(stream, null, place)).Data;
            foreach (var row in rows)
            {
                text.ResetWrittenCount();
                using (var writer = new Utf8JsonWriter(text)) Write(writer, row);
                yield return JsonElement.Parse(text.WrittenSpan);
            }
        }
    }

    private static void Write(Utf8JsonWriter writer, object? value)
    {
        switch (value)
        {
            case null or DBNull: writer.WriteNullValue(); break;
            case string text: writer.WriteStringValue(text); break;
            case ReadOnlyMemory<char> text: writer.WriteStringValue(text.Span); break;
            case bool truth: writer.WriteBooleanValue(truth); break;
            case byte[] bytes: writer.WriteBase64StringValue(bytes); break;
            case double number when !double.IsFinite(number): writer.WriteNullValue(); break;
            case float number when !float.IsFinite(number): writer.WriteNullValue(); break;
            case double number: writer.WriteNumberValue(number); break;
            case float number: writer.WriteNumberValue(number); break;
            case decimal number: writer.WriteNumberValue(number); break;
            case ulong number: writer.WriteNumberValue(number); break;
            case sbyte or byte or short or ushort or int or uint or long: writer.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture)); break;
            case DateTime time: writer.WriteStringValue(time); break;
            case IDictionary members: WriteMembers(writer, members); break;
            case IEnumerable list: WriteList(writer, list); break;
            case IFormattable other: writer.WriteStringValue(other.ToString(null, CultureInfo.InvariantCulture)); break;
            default: writer.WriteStringValue(value.ToString()); break;
        }
    }

    private static void WriteMembers(Utf8JsonWriter writer, IDictionary members)
    {
        writer.WriteStartObject();
        foreach (DictionaryEntry member in members)
        {
            writer.WritePropertyName(Convert.ToString(member.Key, CultureInfo.InvariantCulture) ?? "");
            Write(writer, member.Value);
        }
        writer.WriteEndObject();
    }

    private static void WriteList(Utf8JsonWriter writer, IEnumerable list)
    {
        writer.WriteStartArray();
        foreach (var element in list) Write(writer, element);
        writer.WriteEndArray();
    }

    // Whatever the library throws on bytes that are not Parquet, the person at the terminal has a damaged file.
    private static T OrDamaged<T>(string file, Func<Task<T>> read)
    {
        try
        {
            return read().GetAwaiter().GetResult();
        }
        catch (Exception fault) when (fault is not AgoraException and not OutOfMemoryException)
        {
            throw new AgoraException($"the Parquet file cannot be read: {fault.Message}", file, "fetch the file again, or convert it to JSON lines", fault) { ExitCode = 2 };
        }
    }
}
