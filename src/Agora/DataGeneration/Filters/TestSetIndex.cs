using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Agora.Experiments;
using Agora.SeedData;

namespace Agora.DataGeneration.Filters;

/// <summary>Questions that students will be tested with.</summary>
/// <param name="Name">The benchmark's.</param>
public sealed record TestSet(string Name, ImmutableArray<(string Id, string Question)> Items);

/// <summary>Where a text stands in a test set.</summary>
/// <param name="Words">What they share, in lower case.</param>
public sealed record TestMatch(string TestSet, string Item, string Words)
{
    public override string ToString() => $"{TestSet} item {Item}: \"{Words}\"";
}

/// <summary>A seed that was left out because it stands in a test set.</summary>
public sealed record DroppedSeed(SeedId Seed, string TestSet, string Item, string Words);

/// <summary>Finds texts that share words with a test item: the whole item, or a run of n words of it (Brown et al. 2020, appendix C).</summary>
/// <remarks>
/// Words are those of letters and digits in lower case, and signs of formulas; layout and punctuation do not hide a copy. An item of fewer than n words, but at least n / 2, counts where it
/// stands as a whole; a shorter one only where it is the whole text. A run of words that more than <see cref="Boilerplate"/> items of a set share is the set's wording and identifies none of them.
/// </remarks>
public sealed class TestSetIndex
{
    /// <summary>Items of one set that may share a run of words before it counts for nothing.</summary>
    public const int Boilerplate = 10;

    private readonly int ngram;
    private readonly ImmutableArray<TestSet> sets;
    private readonly Dictionary<string, (int Set, int Item)> whole = new(StringComparer.Ordinal);
    // By number of words, since short items count as a whole.
    private readonly SortedDictionary<int, Dictionary<UInt128, (int Set, int Item)>> runs = [];

    public TestSetIndex(DecontaminationSpec spec, ImmutableArray<TestSet> sets)
    {
        ngram = spec.Ngram;
        this.sets = sets;
        for (var set = 0; set < sets.Length; set++)
            Index(set);
        Identity = Hash(spec, sets);
    }

    /// <summary>SHA-256 of all that decides verdicts, for the keys of steps.</summary>
    public string Identity { get; }

    /// <returns>Null where it stands in no test set.</returns>
    public TestMatch? Find(InstructionResponse pair) => Find(pair.Instruction) ?? Find(pair.Response);

    public TestMatch? Find(string text)
    {
        var words = NormalizedWords.Of(text);
        if (words.Length > 0 && whole.TryGetValue(Joined(words), out var item)) return Match(item, words);
        var hashes = Hashes(words);
        foreach (var (length, known) in runs)
            for (var start = 0; start + length <= words.Length; start++)
                if (known.TryGetValue(Key(hashes.AsSpan(start, length)), out item))
                    return Match(item, words.AsSpan(start, length));
        return null;
    }

    /// <summary>The seeds that may be used, and those that stand in a test set.</summary>
    public (SeedSet Seeds, ImmutableArray<DroppedSeed> Dropped) Clean(SeedSet seeds)
    {
        var found = new DroppedSeed?[seeds.Instances.Count];
        var clean = seeds.Where((row, seed) =>
        {
            if (Find(new InstructionResponse(seed.Instruction, seed.Response ?? "")) is not { } match) return true;
            found[row] = new DroppedSeed(seed.Id, match.TestSet, match.Item, match.Words);
            return false;
        });
        return (clean, [.. found.OfType<DroppedSeed>()]);
    }

    private void Index(int set)
    {
        var counts = new Dictionary<UInt128, int>();
        var items = sets[set].Items.Select(item => NormalizedWords.Of(item.Question)).ToArray();
        foreach (var words in items)
            foreach (var key in Runs(words).Distinct())
                counts[key] = counts.GetValueOrDefault(key) + 1;
        for (var item = 0; item < items.Length; item++)
        {
            if (items[item].Length == 0) continue;
            whole.TryAdd(Joined(items[item]), (set, item));
            foreach (var key in Runs(items[item]))
            {
                if (counts[key] > Boilerplate) continue;
                var length = Math.Min(ngram, items[item].Length);
                if (!runs.TryGetValue(length, out var known)) runs.Add(length, known = []);
                known.TryAdd(key, (set, item));
            }
        }
    }

    private IEnumerable<UInt128> Runs(string[] words)
    {
        if (words.Length < (ngram + 1) / 2) yield break;
        var length = Math.Min(ngram, words.Length);
        var hashes = Hashes(words);
        for (var start = 0; start + length <= words.Length; start++)
            yield return Key(hashes.AsSpan(start, length));
    }

    private static UInt128[] Hashes(string[] words) => Array.ConvertAll(words, word => word.Aggregate((UInt128)(uint)word.Length, (hash, c) => (hash ^ c) * Prime));

    // 128 bits: two runs of words are not taken for one.
    private static UInt128 Key(ReadOnlySpan<UInt128> hashes)
    {
        UInt128 key = (uint)hashes.Length;
        foreach (var hash in hashes) key = ((key ^ hash) * Prime) + (hash >> 64);
        return key;
    }

    // The prime of the 128-bit FNV-1a hash.
    private static readonly UInt128 Prime = new(0x0000000001000000, 0x000000000000013B);

    private TestMatch Match((int Set, int Item) place, ReadOnlySpan<string> words) =>
        new(sets[place.Set].Name, sets[place.Set].Items[place.Item].Id, Joined(words));

    private static string Joined(ReadOnlySpan<string> words) => string.Join(' ', words);

    private static string Hash(DecontaminationSpec spec, ImmutableArray<TestSet> sets)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(spec.Ngram.ToString(CultureInfo.InvariantCulture));
        foreach (var set in sets)
        {
            Append(set.Name);
            foreach (var (id, question) in set.Items)
            {
                Append(id);
                Append(question);
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(string text)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }
    }
}
