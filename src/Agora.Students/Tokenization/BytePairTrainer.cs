using System.Runtime.InteropServices;
using System.Text;
using Agora.Experiments;

namespace Agora.Students.Tokenization;

/// <summary>Trains a byte-level BPE tokenizer in the Llama 3 style, with each digit a piece of its own.</summary>
/// <remarks>
/// Digits are split so that a small model can see a number's places. The same texts give the same tokenizer: the most frequent pair is merged first,
/// and of equally frequent ones the pair with the lowest ids.
/// </remarks>
public static class BytePairTrainer
{
    /// <summary>A pair seen once is chance.</summary>
    private const int LeastCount = 2;

    /// <param name="texts">Read once.</param>
    /// <param name="vocabularySize">Tokens in all, special ones included; fewer come out where the texts have too few pairs.</param>
    /// <param name="specialTokens">Take the last ids, in this order.</param>
    /// <exception cref="AgoraException">The size leaves no room for the 256 bytes and the special tokens.</exception>
    public static TrainedTokenizer Train(IEnumerable<string> texts, int vocabularySize, IReadOnlyList<string> specialTokens)
    {
        var smallest = 256 + specialTokens.Count;
        if (vocabularySize < smallest)
            throw new AgoraException($"a vocabulary of {vocabularySize} tokens is too small", "vocabulary size", $"make it at least {smallest}: 256 bytes and {specialTokens.Count} special tokens") { ExitCode = 2 };
        var tokens = Enumerable.Range(0, 256).Select(value => new[] { (byte)value }).ToList();
        var merges = new List<(int Left, int Right)>();
        var corpus = new PairCounts(CountWords(texts));
        while (tokens.Count + specialTokens.Count < vocabularySize && corpus.TryTakeMostFrequent(LeastCount, out var left, out var right))
        {
            merges.Add((left, right));
            corpus.Merge(left, right, merged: tokens.Count);
            tokens.Add([.. tokens[left], .. tokens[right]]);
        }
        return new TrainedTokenizer([.. tokens.Select(bytes => ByteAlphabet.Spell(bytes))], merges, specialTokens);
    }

    private static Dictionary<string, int> CountWords(IEnumerable<string> texts)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        var bySpan = counts.GetAlternateLookup<ReadOnlySpan<char>>();
        var scanner = SplitPattern.FromRegex(WordScanner.SingleDigits);
        var ranges = new List<TextRange>();
        foreach (var text in texts)
        {
            ranges.Clear();
            scanner.Match(text, new TextRange(0, text.Length), ranges);
            foreach (var range in ranges)
                CollectionsMarshal.GetValueRefOrAddDefault(bySpan, text.AsSpan(range.Start, range.Length), out _)++;
        }
        return counts;
    }

    /// <summary>The words of a corpus as token ids, and how often each pair of neighbours occurs, kept up to date from merge to merge.</summary>
    private sealed class PairCounts
    {
        private readonly List<(int[] Symbols, int Count)> words = [];
        private readonly Dictionary<(int Left, int Right), long> counts = [];
        private readonly Dictionary<(int Left, int Right), HashSet<int>> places = [];      // indices of words
        private readonly PriorityQueue<(int Left, int Right), (long NegativeCount, int Left, int Right)> queue = new();

        public PairCounts(Dictionary<string, int> wordCounts)
        {
            // In an order of their own, so that nothing depends on that of a hash table.
            foreach (var (word, count) in wordCounts.OrderBy(entry => entry.Key, StringComparer.Ordinal))
            {
                var symbols = Encoding.UTF8.GetBytes(word).Select(value => (int)value).ToArray();
                for (var i = 0; i + 1 < symbols.Length; i++)
                    Change((symbols[i], symbols[i + 1]), count, words.Count);
                words.Add((symbols, count));
            }
            foreach (var pair in counts.Keys)
                Enqueue(pair);
        }

        public bool TryTakeMostFrequent(int leastCount, out int left, out int right)
        {
            while (queue.TryDequeue(out var pair, out var priority))
            {
                (left, right) = pair;
                var count = counts.GetValueOrDefault(pair);
                if (count == -priority.NegativeCount && count >= leastCount)
                    return true;
            }
            (left, right) = (0, 0);
            return false;
        }

        public void Merge(int left, int right, int merged)
        {
            var pair = (left, right);
            var touched = new HashSet<(int, int)>();
            foreach (var index in places[pair].Order().ToList())
            {
                var (symbols, count) = words[index];
                var after = Merged(symbols, pair, merged);
                if (after.Length == symbols.Length)
                    continue;      // a word that has lost the pair to an earlier merge
                for (var i = 0; i + 1 < symbols.Length; i++)
                {
                    Change((symbols[i], symbols[i + 1]), -count, index);
                    touched.Add((symbols[i], symbols[i + 1]));
                }
                for (var i = 0; i + 1 < after.Length; i++)
                {
                    Change((after[i], after[i + 1]), count, index);
                    touched.Add((after[i], after[i + 1]));
                }
                words[index] = (after, count);
            }
            counts.Remove(pair);
            places.Remove(pair);
            touched.Remove(pair);
            foreach (var changed in touched)
                Enqueue(changed);
        }

        private static int[] Merged(int[] symbols, (int Left, int Right) pair, int merged)
        {
            var result = new List<int>(symbols.Length);
            for (var i = 0; i < symbols.Length; i++)
                if (i + 1 < symbols.Length && symbols[i] == pair.Left && symbols[i + 1] == pair.Right)
                {
                    result.Add(merged);
                    i++;
                }
                else
                    result.Add(symbols[i]);
            return [.. result];
        }

        private void Change((int Left, int Right) pair, int by, int word)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(counts, pair, out _) += by;
            if (by > 0)
                (CollectionsMarshal.GetValueRefOrAddDefault(places, pair, out _) ??= []).Add(word);
        }

        /// <summary>Adds the pair with its present count; entries of older counts are dropped when they come up.</summary>
        private void Enqueue((int Left, int Right) pair)
        {
            var count = counts.GetValueOrDefault(pair);
            if (count > 0)
                queue.Enqueue(pair, (-count, pair.Left, pair.Right));
        }
    }
}
