namespace Agora.Students.Tokenization;

/// <summary>Tokens and their ids, the model's and the added ones.</summary>
internal sealed class Vocabulary
{
    private readonly Dictionary<string, int> ids;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> idsBySpan;
    private readonly string?[] tokens;
    private readonly HashSet<string> special;

    /// <param name="ids">Of the model; an added token of the same content keeps the added id.</param>
    /// <param name="added">Content, id and whether decoding may skip it.</param>
    public Vocabulary(Dictionary<string, int> ids, IReadOnlyList<AddedToken> added)
    {
        this.ids = new Dictionary<string, int>(ids, StringComparer.Ordinal);
        foreach (var token in added)
            this.ids[token.Content] = token.Id;
        idsBySpan = this.ids.GetAlternateLookup<ReadOnlySpan<char>>();
        special = [.. added.Where(token => token.Special).Select(token => token.Content)];
        // An added token may take the place of one of the model's that has a higher id.
        tokens = new string?[Math.Max(ids.Values.DefaultIfEmpty(-1).Max(), added.Select(token => token.Id).DefaultIfEmpty(-1).Max()) + 1];
        foreach (var (token, id) in ids)
            tokens[id] = token;
        foreach (var token in added)
            tokens[token.Id] = token.Content;
    }

    /// <summary>One more than the highest id: the rows an embedding needs at least.</summary>
    public int Size => tokens.Length;

    public bool TryIdOf(ReadOnlySpan<char> token, out int id) => idsBySpan.TryGetValue(token, out id);

    /// <returns>Null for an id without a token: embeddings may have more rows than the tokenizer has tokens.</returns>
    public string? TokenOf(int id) => (uint)id < (uint)tokens.Length ? tokens[id] : null;

    public bool IsSpecial(string token) => special.Contains(token);
}
