using System.Globalization;

namespace Agora.Experiments;

/// <summary>Changes single values of an experiment from the command line, before the file's values get their types.</summary>
/// <remarks>
/// A path is written as messages write it: <c>generation.instances</c>, <c>settings[0]</c>, <c>seedData.math/instance_generation.file</c>.
/// A name may hold dots: the longest key that stands in the file wins. A list may grow by one at its end. The value is YAML.
/// </remarks>
internal static class ExperimentOverrides
{
    public static void Apply(ExperimentNode root, IReadOnlyList<(string Path, string Value)> overrides, List<ExperimentFault> faults)
    {
        foreach (var (path, value) in overrides)
        {
            // Without the value: whoever pastes a key into the wrong place must not read it in a log.
            var source = $"--set {path}";
            var position = new ExperimentPosition(source, 0, 0);
            var read = new List<ExperimentFault>();
            var node = value.Trim() == "" ? new ScalarNode(position, "", plain: true) : ExperimentText.Parse(value, source, read);
            faults.AddRange(read.Select(fault => fault with { Position = position }));
            if (node is not null && Replace(root, path, Moved(node, position)) is { } reason)
                faults.Add(new ExperimentFault(position, reason));
        }
    }

    // Lines and columns within a word of the command line help nobody.
    private static ExperimentNode Moved(ExperimentNode node, ExperimentPosition position)
    {
        switch (node)
        {
            case ListNode list:
                var items = new ListNode(position);
                items.Items.AddRange(list.Items.Select(item => Moved(item, position)));
                return items;
            case MapNode map:
                var members = new MapNode(position);
                members.Members.AddRange(map.Members.Select(member => ((ScalarNode)Moved(member.Key, position), Moved(member.Value, position))));
                return members;
            default:
                return ((ScalarNode)node).At(position);
        }
    }

    /// <returns>Why it cannot be done; null where it was.</returns>
    private static string? Replace(ExperimentNode root, string path, ExperimentNode value)
    {
        var node = root;
        var rest = path;
        while (true)
        {
            var done = path[..^rest.Length].TrimEnd('.');
            if (rest.StartsWith('['))
            {
                var close = rest.IndexOf(']', StringComparison.Ordinal);
                if (close < 0 || !int.TryParse(rest[1..close], NumberStyles.None, CultureInfo.InvariantCulture, out var index))
                    return "the path needs a whole number from 0 in [ ]";
                if (node is not ListNode list)
                    return $"{done} is not a list but {node.Describe()}";
                if (index > list.Items.Count)
                    return $"{done} has {list.Items.Count} entries, so the next index is {list.Items.Count}";
                rest = Next(rest[(close + 1)..]);
                if (index == list.Items.Count)
                    list.Items.Add(rest == "" ? value : Container(rest, value.Position));
                else if (rest == "")
                    list.Items[index] = value;
                node = list.Items[index];
            }
            else
            {
                if (node is not MapNode map)
                    return $"{(done == "" ? "the experiment" : done)} is not a mapping but {node.Describe()}";
                var key = Key(map, rest);
                if (key == "")
                    return "the path has an empty part";
                rest = Next(rest[key.Length..]);
                var place = map.Members.FindIndex(member => member.Key.Text == key);
                if (place < 0)
                    map.Members.Add((new ScalarNode(value.Position, key, plain: false), rest == "" ? value : Container(rest, value.Position)));
                else if (rest == "")
                    map.Members[place] = (map.Members[place].Key, value);
                node = map.Members[place < 0 ? ^1 : place].Value;
            }
            if (rest == "")
                return null;
        }
    }

    private static string Key(MapNode map, string rest)
    {
        var known = map.Members.Select(member => member.Key.Text)
            .Where(key => rest.StartsWith(key, StringComparison.Ordinal) && (rest.Length == key.Length || rest[key.Length] is '.' or '['))
            .MaxBy(key => key.Length);
        if (known is not null)
            return known;
        var end = rest.AsSpan().IndexOfAny('.', '[');
        return end < 0 ? rest : rest[..end];
    }

    private static string Next(string rest) => rest.StartsWith('.') ? rest[1..] : rest;

    private static ExperimentNode Container(string rest, ExperimentPosition position) =>
        rest.StartsWith('[') ? new ListNode(position) : new MapNode(position);
}
