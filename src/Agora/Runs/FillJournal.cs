using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Agora.DataGeneration;

namespace Agora.Runs;

/// <summary>A generation's fills in a file beside the step's journal.</summary>
/// <remarks>
/// Nothing here is synced to the disk, for all of it can be made again from the journal. A fill counts only where the journal has at least as many records as when it was kept: after a
/// loss of power a fill may have reached the disk before the completions that it was read from, and those would then be on no bill.
/// </remarks>
internal sealed class FillJournal(string path, Journal completions) : IFillStore, IDisposable
{
    private readonly Journal fills = Journal.Open(path, syncs: false);
    private readonly int atStart = completions.Count;

    public PlaceFill? Find(int round, int place)
    {
        if (!fills.TryGet(Key(round, place), out var record)) return null;
        var kept = JsonSerializer.Deserialize<KeptFill>(record, Options)!;
        return kept.Own == own || kept.Completions <= atStart ? kept.Fill : null;
    }

    public void Keep(PlaceFill fill) => fills.Put(Key(fill.Round, fill.Place), JsonSerializer.Serialize(new KeptFill(own, completions.Count, fill), Options));

    public void Dispose() => fills.Dispose();

    private static string Key(int round, int place) => string.Create(CultureInfo.InvariantCulture, $"{round}:{place}");

    private readonly long own = Random.Shared.NextInt64();
    private static readonly JsonSerializerOptions Options = new(CanonicalJson.Options) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <param name="Own">Of the process that kept it.</param>
    /// <param name="Completions">Records of the journal when it was kept.</param>
    private sealed record KeptFill(long Own, int Completions, PlaceFill Fill);
}
