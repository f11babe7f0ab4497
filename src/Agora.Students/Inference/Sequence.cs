using System.Diagnostics;

namespace Agora.Students.Inference;

/// <summary>What a sequence wants to see of a position.</summary>
internal enum RowResult
{
    Nothing,
    /// <summary>The final, normalised hidden state.</summary>
    Hidden,
    /// <summary>The head's output: logits over the vocabulary, or one score.</summary>
    Head,
}

/// <summary>Tokens on their way through the model, with their place in the cache. One worker at a time touches it.</summary>
internal abstract class Sequence
{
    private readonly int[] tokens;
    private readonly List<PrefixTree.Node> shared = [];
    private nint[] pages = [];
    private CancellationTokenRegistration registration;
    private volatile bool abandoned;

    /// <param name="prompt">At least one token.</param>
    /// <param name="maxLength">Tokens that the sequence may grow to.</param>
    protected Sequence(ReadOnlySpan<int> prompt, int maxLength)
    {
        tokens = new int[maxLength];
        prompt.CopyTo(tokens);
        Length = prompt.Length;
        GivenLength = prompt.Length;
    }

    public ReadOnlySpan<int> Tokens => tokens.AsSpan(0, Length);

    public int Length { get; private set; }

    /// <summary>Tokens that were given; those behind were drawn.</summary>
    public int GivenLength { get; }

    public int MaxLength => tokens.Length;

    /// <summary>Positions whose keys and values stand in the cache.</summary>
    public int Computed { get; set; }

    /// <summary>Positions that the step in hand computes.</summary>
    public int Planned { get; set; }

    /// <summary>Leading positions of which nothing is wanted but keys and values.</summary>
    public abstract int ReusablePositions { get; }

    /// <summary>Leading positions worth keeping for others.</summary>
    public abstract int ShareablePositions { get; }

    /// <summary>It has all it wants, or has failed.</summary>
    public bool Done { get; set; }

    /// <summary>Nobody waits for the result any more.</summary>
    public bool Abandoned => abandoned;

    public nint[] Pages => pages;

    public int PageCount { get; private set; }

    public int SharedCount => shared.Count;

    public int PromisedPages { get; set; }

    /// <summary>Whether it has its place in the cache; a sequence that moves to another worker keeps it.</summary>
    public bool IsAdmitted { get; set; }

    public PrefixTree.Node SharedNode(int index) => shared[index];

    public void AddPage(nint page, PrefixTree.Node? node)
    {
        if (PageCount == pages.Length)
            Array.Resize(ref pages, Math.Max(8, 2 * pages.Length));
        pages[PageCount++] = page;
        if (node is not null)
            shared.Add(node);
    }

    public void SharePage(int index, PrefixTree.Node node)
    {
        Debug.Assert(index == shared.Count);
        pages[index] = node.Page;
        shared.Add(node);
    }

    public void ClearPages()
    {
        PageCount = 0;
        PromisedPages = 0;
        shared.Clear();
    }

    /// <summary>Memory is promised, and <see cref="Computed"/> says how much of the prompt is known already.</summary>
    public virtual void Admitted() { }

    public abstract RowResult Wants(int position);

    /// <param name="row">What was wanted of the position; may be overwritten.</param>
    /// <returns>True when the sequence is finished.</returns>
    public abstract bool Receive(int position, Span<float> row, TokenDistribution distribution);

    public abstract void Fail(Exception exception);

    protected abstract void Cancel(CancellationToken cancellationToken);

    protected void Append(int token) => tokens[Length++] = token;

    /// <param name="withdraw">Takes the sequence out of the queue it may still stand in.</param>
    public void CancelWith(Action<Sequence> withdraw, CancellationToken cancellationToken) =>
        registration = cancellationToken.UnsafeRegister((state, token) =>
        {
            var sequence = (Sequence)state!;
            sequence.abandoned = true;
            sequence.Cancel(token);
            withdraw(sequence);
        }, this);

    /// <summary>Called once the sequence has left the engine.</summary>
    public void Unregister() => registration.Dispose();
}
