using Agora.Students.Inference.Kernels;

namespace Agora.Students.Inference;

/// <summary>Pages of prompts read before, found again by their tokens: prompts with the same beginning share its keys and values.</summary>
/// <remarks>
/// A page's content depends on nothing but the tokens up to its end, since the engine's arithmetic does not depend on the batch; sharing changes no bit.
/// Not thread-safe: <see cref="KeyValueCache"/> locks.
/// </remarks>
internal sealed class PrefixTree
{
    private readonly Node root = new(null, [], 0);
    private readonly LinkedList<Node> unusedLeaves = new();     // oldest first

    /// <summary>Pages held, in use or not.</summary>
    public int Count { get; private set; }

    internal sealed class Node(Node? parent, int[] tokens, nint page)
    {
        public Node? Parent { get; } = parent;
        public int[] Tokens { get; } = tokens;
        public nint Page { get; } = page;
        public Dictionary<int, List<Node>> Children { get; } = [];
        public int ChildCount { get; set; }
        /// <summary>Sequences that read the page.</summary>
        public int Users { get; set; }
        public LinkedListNode<Node>? Unused { get; set; }

        public Node? Child(ReadOnlySpan<int> tokens)
        {
            if (!Children.TryGetValue(tokens[0], out var candidates))
                return null;
            foreach (var candidate in candidates)
                if (tokens.SequenceEqual(candidate.Tokens))
                    return candidate;
            return null;
        }
    }

    /// <summary>The longest known beginning of the tokens in whole pages, marked as used.</summary>
    public List<Node> Find(ReadOnlySpan<int> tokens)
    {
        var path = new List<Node>();
        var node = root;
        while (tokens.Length >= AttentionKernels.Page && node.Child(tokens[..AttentionKernels.Page]) is { } child)
        {
            Use(child);
            path.Add(child);
            node = child;
            tokens = tokens[AttentionKernels.Page..];
        }
        return path;
    }

    /// <summary>Adds a page below <paramref name="parent"/>, used by the caller; the tree owns it from now on.</summary>
    /// <returns>The node, and whether it is new; where the tokens were known, the caller uses the known page and keeps its own.</returns>
    public (Node Node, bool Added) Add(Node? parent, ReadOnlySpan<int> tokens, nint page)
    {
        parent ??= root;
        if (parent.Child(tokens) is { } known)
        {
            Use(known);
            return (known, false);
        }
        var node = new Node(parent, tokens.ToArray(), page) { Users = 1 };
        if (!parent.Children.TryGetValue(tokens[0], out var siblings))
            parent.Children.Add(tokens[0], siblings = []);
        siblings.Add(node);
        parent.ChildCount++;
        Park(parent);
        Count++;
        return (node, true);
    }

    public void Release(Node node)
    {
        node.Users--;
        Park(node);
    }

    /// <summary>Forgets the leaf that has been unused for longest.</summary>
    /// <returns>Its page, or null where every page is in use.</returns>
    public nint? Evict()
    {
        if (unusedLeaves.First is not { Value: var leaf })
            return null;
        unusedLeaves.RemoveFirst();
        leaf.Unused = null;
        var parent = leaf.Parent!;
        var siblings = parent.Children[leaf.Tokens[0]];
        siblings.Remove(leaf);
        if (siblings.Count == 0)
            parent.Children.Remove(leaf.Tokens[0]);
        parent.ChildCount--;
        Count--;
        Park(parent);
        return leaf.Page;
    }

    private void Use(Node node)
    {
        node.Users++;
        Park(node);
    }

    /// <summary>Keeps the list of unused leaves right after a change to the node's users or children.</summary>
    private void Park(Node node)
    {
        var unused = node.Parent is not null && node.Users == 0 && node.ChildCount == 0;
        if (!unused && node.Unused is { } place)
        {
            unusedLeaves.Remove(place);
            node.Unused = null;
        }
        else if (unused && node.Unused is null)
        {
            node.Unused = unusedLeaves.AddLast(node);
        }
    }
}
