using System.Globalization;

namespace Agora.Tests.Benchmarks;

/// <summary>The processes below this one, zombies included, as they were at one moment.</summary>
internal sealed class ChildProcesses
{
    private readonly Dictionary<int, int> parents = [];

    private ChildProcesses() { }

    public static ChildProcesses Now()
    {
        var seen = new ChildProcesses();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id))
                continue;
            try
            {
                var stat = File.ReadAllText(Path.Combine(folder, "stat"));
                seen.parents[id] = int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile.
            }
        }
        return seen;
    }

    /// <summary>Ids of all processes below this one.</summary>
    public HashSet<int> All => [.. parents.Keys.Where(IsBelow)];

    /// <summary>Of one process, in the order in which they were started.</summary>
    public int[] Of(int parent) => [.. parents.Where(pair => pair.Value == parent).Select(pair => pair.Key).Order()];

    private bool IsBelow(int id)
    {
        // At most as many steps as there are processes: what was read at different times could hold a circle.
        for (var steps = 0; steps < parents.Count && parents.TryGetValue(id, out var parent); steps++)
        {
            if (parent == Environment.ProcessId)
                return true;
            id = parent;
        }
        return false;
    }
}
