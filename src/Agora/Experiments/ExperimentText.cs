using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Agora.Experiments;

/// <summary>Reads YAML, and JSON as its subset, into nodes with positions; bounded in every direction, since the file may come from anywhere.</summary>
internal sealed class ExperimentText
{
    private const int DeepestNesting = 32;
    private const int MostNodes = 100_000;     // aliases count as often as they are used, so that they cannot multiply

    private readonly Parser parser;
    private readonly string source;
    private readonly List<ExperimentFault> faults;
    private readonly Dictionary<AnchorName, ExperimentNode> anchors = [];
    private int nodes;

    private ExperimentText(string text, string source, List<ExperimentFault> faults)
    {
        parser = new Parser(new Scanner(new StringReader(text), skipComments: true));
        this.source = source;
        this.faults = faults;
    }

    /// <returns>Null where the text is no YAML at all or holds nothing; the faults say which.</returns>
    public static ExperimentNode? Parse(string text, string source, List<ExperimentFault> faults)
    {
        var reader = new ExperimentText(text, source, faults);
        try
        {
            return reader.Document();
        }
        catch (UnreadableException fault)
        {
            faults.Add(new ExperimentFault(fault.Position, fault.Message));
        }
        catch (YamlException fault)
        {
            faults.Add(new ExperimentFault(reader.At(fault.Start), $"this is not YAML: {fault.Message.TrimEnd('.')}"));
        }
        catch (InvalidOperationException)
        {
            // What the library's scanner makes of some broken texts, such as " : {" with a letter at the start of the next line.
            faults.Add(new ExperimentFault(reader.At(reader.parser.Current?.End ?? new Mark(0, 1, 1)), "this is not YAML; it breaks at or behind this place"));
        }
        return null;
    }

    private ExperimentNode? Document()
    {
        parser.Consume<StreamStart>();
        if (parser.Accept<StreamEnd>(out var empty))
            throw new UnreadableException(At(empty.Start), "the file is empty");
        parser.Consume<DocumentStart>();
        var root = Node(1);
        parser.Consume<DocumentEnd>();
        if (!parser.Accept<StreamEnd>(out _) && parser.Accept<DocumentStart>(out var second))
            throw new UnreadableException(At(second.Start), "an experiment is one document; a second one starts here");
        return root;
    }

    private ExperimentNode Node(int depth)
    {
        var read = parser.Consume<ParsingEvent>();
        var position = At(read.Start);
        if (depth > DeepestNesting)
            throw new UnreadableException(position, $"values are nested more than {DeepestNesting} deep");
        Count(position);
        if (read is NodeEvent { Tag: { IsEmpty: false } tag } && !(read is Scalar && tag.IsNonSpecific))
            faults.Add(new ExperimentFault(position, $"tags such as {tag.Value} are not supported; write the plain value"));
        ExperimentNode node;
        switch (read)
        {
            case AnchorAlias alias:
                if (!anchors.TryGetValue(alias.Value, out var known))
                    throw new UnreadableException(position, $"there is no anchor &{alias.Value} before this alias");
                return Copy(known, depth);
            case Scalar scalar:
                node = new ScalarNode(position, scalar.Value, scalar.Style == ScalarStyle.Plain);
                break;
            case SequenceStart:
                var list = new ListNode(position);
                while (!parser.TryConsume<SequenceEnd>(out _))
                    list.Items.Add(Node(depth + 1));
                node = list;
                break;
            case MappingStart:
                node = Mapping(position, depth);
                break;
            default:
                throw new UnreadableException(position, $"a value was expected here, not {read}");
        }
        if (read is NodeEvent { Anchor: { IsEmpty: false } anchor })
            anchors[anchor] = node;
        return node;
    }

    private MapNode Mapping(ExperimentPosition position, int depth)
    {
        var map = new MapNode(position);
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            var key = Node(depth + 1);
            var value = Node(depth + 1);
            if (key is not ScalarNode { IsNull: false } name)
                faults.Add(new ExperimentFault(key.Position, $"a key must be text, got {key.Describe()}"));
            else if (map.Members.Find(member => member.Key.Text == name.Text).Key is { } first)
                faults.Add(new ExperimentFault(name.Position, $"the key {name.Describe()} stands here a second time; the first is in line {first.Position.Line}"));
            else
                map.Members.Add((name, value));
        }
        return map;
    }

    // Each use of an alias is its own node, since an override may change one of them.
    private ExperimentNode Copy(ExperimentNode node, int depth)
    {
        if (depth > DeepestNesting)
            throw new UnreadableException(node.Position, $"values are nested more than {DeepestNesting} deep");
        Count(node.Position);
        switch (node)
        {
            case ListNode list:
                var copy = new ListNode(list.Position);
                copy.Items.AddRange(list.Items.Select(item => Copy(item, depth + 1)));
                return copy;
            case MapNode map:
                var mapping = new MapNode(map.Position);
                mapping.Members.AddRange(map.Members.Select(member => (member.Key, Copy(member.Value, depth + 1))));
                return mapping;
            default:
                return node;
        }
    }

    private void Count(ExperimentPosition position)
    {
        if (++nodes > MostNodes)
            throw new UnreadableException(position, $"the file holds more than {MostNodes} values, aliases counted as often as they are used");
    }

    private ExperimentPosition At(Mark mark) => new(source, (int)mark.Line, (int)mark.Column);

    private sealed class UnreadableException(ExperimentPosition position, string message) : Exception(message)
    {
        public ExperimentPosition Position { get; } = position;
    }
}
