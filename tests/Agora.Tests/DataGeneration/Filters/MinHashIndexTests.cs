using System.Globalization;
using Agora.DataGeneration.Filters;
using CsCheck;

namespace Agora.Tests.DataGeneration.Filters;

public sealed class MinHashIndexTests
{
    [Fact]
    public void Signatures_are_the_smallest_permuted_shingles() =>
        Gen.ULong.Array[0, 60].Sample(shingles =>
        {
            var signature = MinHashIndex.Sign(shingles);
            return Enumerable.Range(0, MinHashIndex.Permutations).All(i => signature[i] ==
                shingles.Select(shingle => MinHashIndex.Permuted((uint)(shingle ^ (shingle >> 32)), i)).Append(uint.MaxValue).Min());
        });

    [Fact]
    public void Jaccard_is_shared_over_either() =>
        Gen.Select(Gen.ULong[0, 40].HashSet[0, 30], Gen.ULong[0, 40].HashSet[0, 30]).Sample((one, other) =>
        {
            var either = one.Union(other).Count();
            return MinHashIndex.Jaccard([.. one.Order()], [.. other.Order()]) == (either == 0 ? 0 : one.Intersect(other).Count() / (double)either);
        });

    // The whole point of a signature: equal places estimate the similarity, without bias. Four standard errors at 128 permutations.
    [Fact]
    public void Equal_places_of_two_signatures_estimate_their_jaccard_similarity()
    {
        var random = new Random(7);
        foreach (var shared in (int[])[20, 100, 180])
        {
            var common = Shingles(shared);
            var (one, other) = (common.Concat(Shingles(200 - shared)).Order().ToArray(), common.Concat(Shingles(200 - shared)).Order().ToArray());
            var jaccard = MinHashIndex.Jaccard(one, other);
            var equal = MinHashIndex.Sign(one).Zip(MinHashIndex.Sign(other)).Count(pair => pair.First == pair.Second) / (double)MinHashIndex.Permutations;
            Assert.Equal(jaccard, equal, 4 * Math.Sqrt(jaccard * (1 - jaccard) / MinHashIndex.Permutations));
        }

        ulong[] Shingles(int count) => [.. Enumerable.Range(0, count).Select(_ => (ulong)random.NextInt64())];
    }

    [Fact]
    public void What_is_found_reaches_the_threshold_and_next_to_nothing_is_missed()
    {
        var (found, there) = (0, 0);
        Gen.Select(Gen.Int[0, 9].Array[20, 40], Gen.Int[0, 3], Gen.Int).Array[1, 8].Sample(drafts =>
        {
            // Each text but the first repeats an earlier one with up to three words changed.
            var texts = new List<string>();
            foreach (var (words, changes, seed) in drafts)
            {
                var random = new Random(seed);
                var text = texts.Count == 0 ? [.. words.Select(Text)] : texts[random.Next(texts.Count)].Split(' ');
                for (var i = 0; i < changes; i++) text[random.Next(text.Length)] = Text(random.Next(100));
                texts.Add(string.Join(' ', text));
            }
            var index = new MinHashIndex(0.6, 2);
            for (var i = 0; i < texts.Count; i++)
            {
                var near = index.Find(index.Read(texts[i]));
                var plain = Enumerable.Range(0, i).Where(j => Naive(texts[i], texts[j]) >= 0.6).ToArray();
                if (near is var (text, jaccard))
                {
                    Assert.Contains(text, plain);
                    Assert.Equal(Naive(texts[i], texts[text]), jaccard, 12);
                }
                there += plain.Length > 0 ? 1 : 0;
                found += near is null ? 0 : 1;
                index.Add(index.Read(texts[i]));
            }
        }, iter: 200, threads: 1);
        Assert.InRange(found, 0.98 * there, there);
        Assert.True(there > 100);

        static string Text(int word) => word.ToString(CultureInfo.InvariantCulture);
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.8)]
    [InlineData(0.95)]
    public void Bands_find_a_pair_at_the_threshold_as_often_as_promised(double threshold)
    {
        var rows = MinHashIndex.RowsPerBand(threshold);
        Assert.True(1 - Math.Pow(1 - Math.Pow(threshold, rows), MinHashIndex.Permutations / rows) >= MinHashIndex.Recall);
        Assert.True(rows > 1);
    }

    [Fact]
    public void Signs_of_a_formula_are_words_and_punctuation_is_not()
    {
        var index = new MinHashIndex(1, 3);
        index.Add(index.Read("What is 3 + 4?"));
        Assert.NotNull(index.Find(index.Read("what is: 3+4")));
        Assert.Null(index.Find(index.Read("What is 3 - 4?")));
    }

    private static double Naive(string one, string other)
    {
        var (first, second) = (Pairs(one), Pairs(other));
        return first.Intersect(second).Count() / (double)first.Union(second).Count();

        static HashSet<string> Pairs(string text)
        {
            var words = text.Split(' ');
            return [.. words.Zip(words.Skip(1), (a, b) => $"{a} {b}")];
        }
    }
}
