using System.Collections;

namespace Agora.Students.ChatTemplates;

/// <summary>What map, select and their like give: items that are made when somebody asks, once. It is true even if nothing will come, and has neither length nor places.</summary>
/// <param name="source">What the filter goes through.</param>
internal sealed class TemplateGenerator(string filter, object? source, IEnumerable<object?> items) : IEnumerable<object?>
{
    private readonly IEnumerator<object?> items = items.GetEnumerator();

    public string Filter { get; } = filter;

    /// <summary>Each asks the one before, so the stack must bear a chain of them.</summary>
    public int Depth { get; } = 1 + Extent.Of(source).Depth;

    /// <summary>Goes on where the last one who asked stopped.</summary>
    public IEnumerator<object?> GetEnumerator()
    {
        while (items.MoveNext())
            yield return items.Current;
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
