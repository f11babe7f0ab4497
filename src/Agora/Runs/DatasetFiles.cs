using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Agora.DataGeneration;
using Agora.Experiments;
using Parquet;
using Parquet.Schema;

namespace Agora.Runs;

/// <summary>The forms in which generated data leave Agora.</summary>
public enum DatasetFormat { Jsonl, Parquet }

/// <summary>Writes generated data as files for others: the published keys <c>instruction, response, config</c> first, then everything that led to the instance.</summary>
public static class DatasetFiles
{
    // Instances that are in memory at once while Parquet is written.
    private const int RowGroup = 10_000;

    private static readonly string[] PublishedKeys = ["instruction", "response", "config"];

    private static readonly JsonSerializerOptions Published = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>GENERATOR.DOMAIN.METHOD and the ending of the format.</summary>
    public static string NameOf(GeneratedData data, DatasetFormat format) =>
        $"{data.Generator}.{data.Setting.Domain.Name()}.{data.Setting.Method.Name()}.{(format == DatasetFormat.Jsonl ? "jsonl" : "parquet")}";

    /// <summary>Writes one file into the folder, beside its place first, so that no half of one stands there.</summary>
    /// <returns>Its path.</returns>
    /// <exception cref="AgoraException">The disk is full or cannot be written.</exception>
    public static async Task<string> WriteAsync(GeneratedData data, DatasetFormat format, string folder, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, NameOf(data, format));
        var beside = path + ".part";
        try
        {
            Directory.CreateDirectory(folder);
            if (format == DatasetFormat.Jsonl) WriteJson(data, beside, cancellationToken);
            else await WriteParquetAsync(data, beside, cancellationToken);
            File.Move(beside, path, overwrite: true);
            return path;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DurableFiles.Failure(path, error);
        }
        finally
        {
            WholeFile.TryDelete(beside);
        }
    }

    private static void WriteJson(GeneratedData data, string path, CancellationToken cancellationToken)
    {
        using var from = File.OpenHandle(data.InstancesFile, options: FileOptions.SequentialScan);
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 1 << 16);
        var row = new ArrayBufferWriter<byte>(4096);
        ChecksummedLines.ReadLines(from, (line, _) =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            row.ResetWrittenCount();
            WriteRow(line[..^1], row);
            file.Write(row.WrittenSpan);
        });
    }

    // The members are copied as they stand: they were written with the same escapes.
    private static void WriteRow(ReadOnlySpan<byte> instance, ArrayBufferWriter<byte> row)
    {
        Span<Range> published = stackalloc Range[PublishedKeys.Length];
        published.Clear();
        for (var reader = Members(instance); Next(ref reader, out var key, out var member);)
            if (key >= 0) published[key] = member;
        row.Write("{"u8);
        for (var key = 0; key < published.Length; key++)
        {
            if (key > 0) row.Write(","u8);
            if (published[key].Equals(default)) row.Write(Encoding.UTF8.GetBytes($"\"{PublishedKeys[key]}\":null"));
            else row.Write(instance[published[key]]);
        }
        for (var reader = Members(instance); Next(ref reader, out var key, out var member);)
        {
            if (key >= 0) continue;
            row.Write(","u8);
            row.Write(instance[member]);
        }
        row.Write("}\n"u8);
    }

    private static Utf8JsonReader Members(ReadOnlySpan<byte> instance)
    {
        var reader = new Utf8JsonReader(instance);
        reader.Read();
        return reader;
    }

    /// <param name="key">Which of <see cref="PublishedKeys"/> the member has; -1 where it has none of them.</param>
    private static bool Next(ref Utf8JsonReader reader, out int key, out Range member)
    {
        (key, member) = (-1, default);
        if (!reader.Read() || reader.TokenType != JsonTokenType.PropertyName) return false;
        for (var known = 0; known < PublishedKeys.Length; known++)
            if (reader.ValueTextEquals(PublishedKeys[known])) key = known;
        var start = (int)reader.TokenStartIndex;
        reader.Read();
        reader.Skip();
        member = start..(int)reader.BytesConsumed;
        return true;
    }

    // Columns of Parquet are flat, so that every reader opens them: the provenance's members stand beside the published keys.
    private static async Task WriteParquetAsync(GeneratedData data, string path, CancellationToken cancellationToken)
    {
        await using var stream = File.Create(path);
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema([.. Texts.Select(column => (Field)column.Field), .. Numbers.Select(column => (Field)column.Field), Cost]), stream, cancellationToken: cancellationToken);
        foreach (var rows in StepFiles.Stream<SyntheticInstance>(data.Result, StepFiles.Instances).Chunk(RowGroup))
        {
            using var group = writer.CreateRowGroup();
            foreach (var (field, value) in Texts)
                await group.WriteAsync(field, Array.ConvertAll(rows, row => value(row)!));
            foreach (var (field, value) in Numbers)
                await group.WriteAsync<long>(field, Array.ConvertAll(rows, row => value(row)), cancellationToken: cancellationToken);
            await group.WriteAsync<double>(Cost, Array.ConvertAll(rows, row => (double?)row.Provenance.CostDollars), cancellationToken: cancellationToken);
        }
    }

    private static readonly (DataField<string> Field, Func<SyntheticInstance, string?> Value)[] Texts =
    [
        (new("instruction"), row => row.Instruction),
        (new("response"), row => row.Response),
        (new("config"), row => row.Config),
        (new("generator"), row => row.Provenance.Generator),
        (new("setting"), row => row.Provenance.Setting),
        (new("prompt_hash"), row => row.Provenance.PromptHash),
        (new("demonstrations"), row => JsonSerializer.Serialize(row.Provenance.Demonstrations, Published)),
        (new("seed"), row => row.Provenance.Seed?.Value),
        (new("theme"), row => row.Provenance.Theme),
        (new("opening_words"), row => row.Provenance.OpeningWords),
        (new("persona"), row => row.Provenance.Persona),
        (new("evolution"), row => row.Provenance.Evolution),
    ];

    private static readonly (DataField<long> Field, Func<SyntheticInstance, long> Value)[] Numbers =
    [
        (new("index"), row => row.Index),
        (new("round"), row => row.Provenance.Round),
        (new("tries"), row => row.Provenance.Tries),
        (new("input_tokens"), row => row.Provenance.InputTokens),
        (new("output_tokens"), row => row.Provenance.OutputTokens),
    ];

    private static readonly DataField<double?> Cost = new("cost_dollars");
}
