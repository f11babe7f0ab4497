using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Agora.DataGeneration;

namespace Agora.Runs;

/// <summary>A generation's fills in a file beside the step's journal.</summary>
/// <remarks>
/// <para>Nothing here is synced to the disk, for all of it can be made again from the journal. After a loss of power a fill may have reached the disk before the
/// completions that it was read from, and those would then be on no bill. So where a fill was kept with more records in the journal than there are when both are opened, or the journal is damaged, the file starts anew, before
/// anything is added to the journal: a fill that was only passed over would count again once the journal has grown.</para>
/// <para>A line is a JSON array (<see cref="ChecksummedLines"/>): round, place, records of the journal when it was kept, tries, four lines of the bill or what stands for them (kept, retried, judged, rejected
/// by reason), then the texts: the completion, the rejects, the instance as it will stand in the result. So a resume reads of a million fills the numbers at their beginning, and the result is written by copying their ends.</para>
/// </remarks>
internal sealed class FillJournal : IFillStore, IDisposable
{
    private readonly IndexedLines lines;
    private readonly Journal completions;

    private FillJournal(string path, Journal completions)
    {
        this.completions = completions;
        var (atStart, lost) = (completions.Count, completions.Dropped > 0);
        lines = new IndexedLines(take => ChecksummedLines.Open(path, syncs: false, take), line =>
        {
            var reader = new Utf8JsonReader(line);
            // Lines that an earlier version wrote begin with a text, and are passed over.
            if (!reader.Read() || !reader.Read() || reader.TokenType != JsonTokenType.Number) return null;
            var (round, place, needed) = (reader.GetInt32(), Number(ref reader), Number(ref reader));
            lost |= needed > atStart;
            return Hash(round, place);
        }, static (line, other) => KeyOf(line) == KeyOf(other));
        if (lost) lines.Clear();
    }

    /// <param name="completions">As it was opened: nothing was added yet.</param>
    /// <exception cref="Experiments.AgoraException">Another process writes the file, or it cannot be read.</exception>
    public static FillJournal Open(string path, Journal completions) => new(path, completions);

    public PlaceTally? Tally(int round, int place) => Find(round, place) is >= 0 and var offset ? lines.Lines.Read(offset, (round, place), static (line, key) => ReadTally(line, key)) : null;

    public PlaceFill Read(int round, int place) => lines.Lines.Read(Known(round, place), (round, place), static (line, key) => ReadFill(line, key));

    /// <summary>Writes the instance of a fill as a line of <see cref="StepFiles.Instances"/>.</summary>
    public void CopyInstance(int round, int place, Stream to) => lines.Lines.Read(Known(round, place), to, static (line, to) => Copy(line, to));

    /// <returns>False, and nothing is written, where the place was not worked on in the round yet, or no instance came of it.</returns>
    public bool CopyIfFilled(int round, int place, Stream to) => Find(round, place) is >= 0 and var offset
        && lines.Lines.Read(offset, (To: to, Round: round, Place: place), static (line, copy) => ReadTally(line, (copy.Round, copy.Place)).IsFilled && Copy(line, copy.To));

    private static bool Copy(ReadOnlySpan<byte> line, Stream to)
    {
        var reader = AtTexts(line);
        reader.Skip();
        reader.Read();
        reader.Skip();
        reader.Read();
        // What is left is the instance and the array's end.
        to.Write(line[(int)reader.TokenStartIndex..^1]);
        to.WriteByte((byte)'\n');
        return true;
    }

    public void Keep(PlaceFill fill)
    {
        // Read before the fill is written: all that it was read from is in the journal by now.
        var offset = lines.Lines.Append(LineBuffer.Write((Fill: fill, Completions: completions.Count), static (writer, kept) => WriteLine(writer, kept.Fill, kept.Completions)));
        lines.Set(Hash(fill.Round, fill.Place), Find(fill.Round, fill.Place), offset);
    }

    public void Dispose() => lines.Dispose();

    private long Known(int round, int place) => Find(round, place) is >= 0 and var offset ? offset
        : throw new InvalidOperationException($"what place {place} was filled with in round {round} is not where it was kept");

    // One task at a time works on a place, so that nobody adds what is looked for here.
    private long Find(int round, int place) => lines.Find(Hash(round, place), (round, place), static (line, key) => KeyOf(line) == key);

    private static (int Round, int Place) KeyOf(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        reader.Read();
        return (Number(ref reader), Number(ref reader));
    }

    // Places are small and dense, and must not lie side by side in the index: who looks there goes on to the next slot that is free.
    internal static uint Hash(int round, int place) => (uint)((((ulong)(uint)round << 32 | (uint)place) * 0x9E3779B97F4A7C15) >> 32);

    private static int Number(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.GetInt32();
    }

    private static PlaceTally ReadTally(ReadOnlySpan<byte> line, (int Round, int Place) key)
    {
        var reader = new Utf8JsonReader(line);
        return ReadTally(ref reader, key.Round);
    }

    private static PlaceTally ReadTally(ref Utf8JsonReader reader, int round)
    {
        reader.Read();
        for (var passed = 0; passed < 3; passed++) reader.Read();
        var tally = new PlaceTally { Round = round, Tries = Number(ref reader), IsFilled = Number(ref reader) == 1, KeptLine = ReadLine(ref reader), RetriedLine = ReadLine(ref reader), JudgedLine = ReadLine(ref reader) };
        reader.Read();
        reader.Read();
        if (reader.TokenType == JsonTokenType.EndArray) return tally;
        var rejects = ImmutableArray.CreateBuilder<(RejectReason, BillLine)>();
        for (; reader.TokenType != JsonTokenType.EndArray; reader.Read())
            rejects.Add((Enum.Parse<RejectReason>(reader.GetString()!), ReadLine(ref reader)));
        return tally with { Rejects = rejects.ToImmutable() };
    }

    private static BillLine ReadLine(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number) return BillLine.Nothing;
        var line = new BillLine { Completions = Next(ref reader), InputTokens = Next(ref reader), OutputTokens = Next(ref reader), CachedInputTokens = Next(ref reader), WithoutUsage = Next(ref reader) };
        reader.Read();
        // Earlier versions end here.
        if (reader.TokenType == JsonTokenType.Number)
        {
            line = line with { CacheWrittenTokens = reader.GetInt64() };
            reader.Read();
        }
        return line;

        static long Next(ref Utf8JsonReader reader)
        {
            reader.Read();
            return reader.GetInt64();
        }
    }

    private static Utf8JsonReader AtTexts(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        reader.Read();
        // round, place, records, tries, whether there is an instance, four parts of the bill
        for (var passed = 0; passed < 9; passed++)
        {
            reader.Read();
            reader.Skip();
        }
        reader.Read();
        return reader;
    }

    private static PlaceFill ReadFill(ReadOnlySpan<byte> line, (int Round, int Place) key)
    {
        var numbers = new Utf8JsonReader(line);
        var tally = ReadTally(ref numbers, key.Round);
        var reader = AtTexts(line);
        var completion = reader.GetString();
        reader.Read();
        var rejects = JsonSerializer.Deserialize<ImmutableArray<RejectedCompletion>>(ref reader, Options);
        reader.Read();
        return new PlaceFill
        {
            Round = key.Round,
            Place = key.Place,
            Tries = tally.Tries,
            KeptLine = tally.KeptLine,
            RetriedLine = tally.RetriedLine,
            JudgedLine = tally.JudgedLine,
            Completion = completion,
            Rejects = [.. rejects.Zip(tally.Rejects, (reject, counted) => new RejectedTry(reject, counted.Line))],
            Instance = JsonSerializer.Deserialize<SyntheticInstance>(ref reader, CanonicalJson.Options),
        };
    }

    private static void WriteLine(Utf8JsonWriter writer, PlaceFill fill, int completions)
    {
        writer.WriteStartArray();
        writer.WriteNumberValue(fill.Round);
        writer.WriteNumberValue(fill.Place);
        writer.WriteNumberValue(completions);
        writer.WriteNumberValue(fill.Tries);
        writer.WriteNumberValue(fill.Instance is null ? 0 : 1);
        Write(writer, fill.KeptLine);
        Write(writer, fill.RetriedLine);
        Write(writer, fill.JudgedLine);
        writer.WriteStartArray();
        foreach (var reject in fill.Rejects)
        {
            writer.WriteStringValue(reject.Reject.Reason.ToString());
            Write(writer, reject.Line);
        }
        writer.WriteEndArray();
        writer.WriteStringValue(fill.Completion);
        JsonSerializer.Serialize(writer, fill.Rejects.Select(reject => reject.Reject), Options);
        JsonSerializer.Serialize(writer, fill.Instance, CanonicalJson.Options);
        writer.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter writer, BillLine line)
    {
        if (line == BillLine.Nothing)
        {
            writer.WriteNumberValue(0);
            return;
        }
        writer.WriteStartArray();
        writer.WriteNumberValue(line.Completions);
        writer.WriteNumberValue(line.InputTokens);
        writer.WriteNumberValue(line.OutputTokens);
        writer.WriteNumberValue(line.CachedInputTokens);
        writer.WriteNumberValue(line.WithoutUsage);
        if (line.CacheWrittenTokens > 0) writer.WriteNumberValue(line.CacheWrittenTokens);
        writer.WriteEndArray();
    }

    private static readonly JsonSerializerOptions Options = new(CanonicalJson.Options) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };
}
