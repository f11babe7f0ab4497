using Agora.Runs;
using CsCheck;

namespace Agora.Tests.Runs;

public sealed class RecordIndexTests
{
    [Fact]
    public void It_holds_what_a_plain_dictionary_would() =>
        Gen.UInt[0, 40].Array[0, 200].Sample(hashes =>
        {
            var index = new RecordIndex();
            var plain = new Dictionary<uint, List<long>>();
            for (var offset = 0; offset < hashes.Length; offset++)
            {
                // Far apart in the file, and every fifth takes the place of one that is there.
                var (hash, place) = (hashes[offset] * 0x4000_0001u, 3_000_000_000L * offset);
                var there = plain.TryGetValue(hash, out var known) ? known : plain[hash] = [];
                if (offset % 5 == 4 && there.Count > 0)
                {
                    index.Move(hash, there[^1], place);
                    there[^1] = place;
                }
                else
                {
                    index.Add(hash, place);
                    there.Add(place);
                }
            }
            return index.Count == plain.Values.Sum(places => places.Count)
                && plain.All(pair => Found(index, pair.Key).Order().SequenceEqual(pair.Value.Order()))
                && index.Find(7, 0) == -1;
        });

    private static IEnumerable<long> Found(RecordIndex index, uint hash)
    {
        for (var from = 0; index.Find(hash, from) is >= 0 and var place; from++) yield return place;
    }
}
