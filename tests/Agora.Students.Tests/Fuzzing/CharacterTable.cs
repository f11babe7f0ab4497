using System.Buffers.Binary;
using System.Text;

namespace Agora.Tests.Fuzzing;

/// <summary>Writes a table of replacements as SentencePiece does: a double array (https://github.com/s-yata/darts-clone) and texts that end with a zero byte.</summary>
internal static class CharacterTable
{
    public static string Base64(params IReadOnlyList<(string From, string To)> replacements)
    {
        var texts = new MemoryStream();
        var keys = new SortedDictionary<byte[], int>(Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)));
        foreach (var (from, to) in replacements)
        {
            keys[Encoding.UTF8.GetBytes(from)] = (int)texts.Position;
            texts.Write([.. Encoding.UTF8.GetBytes(to), 0]);
        }
        var units = new List<uint> { 0 };
        var used = new HashSet<int> { 0 };
        Place([.. keys], 0, 0);
        var table = new byte[4 + 4 * units.Count];
        BinaryPrimitives.WriteInt32LittleEndian(table, 4 * units.Count);
        for (var i = 0; i < units.Count; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(4 + 4 * i), units[i]);
        return Convert.ToBase64String([.. table, .. texts.ToArray()]);

        // A node's children lie at its base XOR their byte, the value of a key that ends there at the base itself.
        void Place(List<KeyValuePair<byte[], int>> below, int depth, int node)
        {
            var ends = below.Where(key => key.Key.Length == depth).ToList();
            var groups = below.Where(key => key.Key.Length > depth).GroupBy(key => key.Key[depth]).ToList();
            // Blocks of 256, so that XOR stays inside of one.
            var start = 256;
            while (Slots().Any(used.Contains))
                start += 256;
            foreach (var slot in Slots())
            {
                used.Add(slot);
                while (units.Count < start + 256)
                    units.Add(0);
            }
            units[node] = units[node] & 0xFF | (uint)(node ^ start) << 10 | (ends.Count > 0 ? 1u << 8 : 0);
            if (ends.Count > 0)
                units[start] = (uint)ends[0].Value | 1u << 31;
            foreach (var group in groups)
            {
                units[start ^ group.Key] = group.Key;
                Place([.. group], depth + 1, start ^ group.Key);
            }

            IEnumerable<int> Slots() => groups.Select(group => start ^ group.Key).Append(start);
        }
    }
}
