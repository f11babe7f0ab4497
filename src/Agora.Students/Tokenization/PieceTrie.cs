namespace Agora.Students.Tokenization;

/// <summary>Strings as paths from a root, a unit of UTF-16 a step.</summary>
internal sealed class PieceTrie
{
    public const int Root = 0;

    private readonly Dictionary<long, int> steps = [];
    private readonly List<int> ids = [-1];

    /// <summary>What is wrong with strings that would make a tree too large or too deep, as a hostile file's; null for all others.</summary>
    public static string? FaultOf(IEnumerable<string> pieces)
    {
        // Cutting a text takes up to so many steps for each of its characters, and a node takes some 40 bytes.
        const int Longest = 1024, Most = 1 << 24;
        var sum = 0L;
        foreach (var piece in pieces)
        {
            if (piece.Length > Longest)
                return $"holds {ModelFile.Quote(piece)}, which has {piece.Length} characters; {Longest} are the most";
            if ((sum += piece.Length) > Most)
                return $"holds tokens of more than {Most} characters together";
        }
        return null;
    }

    /// <param name="id">Takes the place of one given before for the same string.</param>
    public void Add(string piece, int id)
    {
        var node = Root;
        foreach (var unit in piece)
        {
            if (!steps.TryGetValue(Key(node, unit), out var next))
            {
                steps[Key(node, unit)] = next = ids.Count;
                ids.Add(-1);
            }
            node = next;
        }
        ids[node] = id;
    }

    public bool TryStep(int node, char unit, out int next) => steps.TryGetValue(Key(node, unit), out next);

    /// <returns>-1 where no string ends.</returns>
    public int IdAt(int node) => ids[node];

    public int Find(ReadOnlySpan<char> piece) => NodeOf(piece) is var node and >= 0 ? ids[node] : -1;

    /// <returns>-1 where no string begins so.</returns>
    public int NodeOf(ReadOnlySpan<char> start)
    {
        var node = Root;
        foreach (var unit in start)
            if (!TryStep(node, unit, out node))
                return -1;
        return node;
    }

    private static long Key(int node, char unit) => (long)node << 16 | unit;
}
