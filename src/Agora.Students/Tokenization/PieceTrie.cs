namespace Agora.Students.Tokenization;

/// <summary>Strings as paths from a root, a unit of UTF-16 a step.</summary>
internal sealed class PieceTrie
{
    public const int Root = 0;

    private readonly Dictionary<long, int> steps = [];
    private readonly List<int> ids = [-1];

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

    public int Find(ReadOnlySpan<char> piece)
    {
        var node = Root;
        foreach (var unit in piece)
            if (!TryStep(node, unit, out node))
                return -1;
        return ids[node];
    }

    private static long Key(int node, char unit) => (long)node << 16 | unit;
}
