using System.Globalization;
using Agora.Experiments;
using Agora.Students.Tokenization;

namespace Agora.Tests.Tokenization;

/// <summary>Tokenizers and texts at random against Hugging Face's Rust tokenizers (through Tokenizers.DotNet).</summary>
public sealed class ReferenceTokenizerTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Random_tokenizers_give_the_ids_and_texts_of_the_reference() => Compare(new RandomTokenizers(1), tokenizers: 100, texts: 12);

    [Fact]
    [Trait("Category", "Nightly")]
    public void Many_random_tokenizers_give_the_ids_and_texts_of_the_reference() => Compare(new RandomTokenizers(Seed), tokenizers: 4_000, texts: 25);

    /// <summary>Another one every day; AGORA_TOKENIZER_SEED repeats one.</summary>
    private static int Seed => Environment.GetEnvironmentVariable("AGORA_TOKENIZER_SEED") is { Length: > 0 } given ? int.Parse(given, CultureInfo.InvariantCulture) : DateTime.UtcNow.DayOfYear + 1;

    private void Compare(RandomTokenizers random, int tokenizers, int texts)
    {
        var (compared, equal, refused) = (0, 0, new Dictionary<string, int>());
        var different = new List<string>();
        for (var number = 0; number < tokenizers; number++)
        {
            var description = random.Description();
            var drawn = Enumerable.Range(0, texts).Select(_ => random.Text()).ToList();
            File.WriteAllText(folder.File("tokenizer.json"), description);
            if (Loaded(refused) is not { } ours)
                continue;
            using var theirs = Reference();
            if (theirs is null)
                continue;
            compared++;
            foreach (var text in drawn)
            {
                if (Expected(theirs, text) is not { } expected)
                    continue;
                if (Difference(ours, theirs, text, expected) is not { } difference)
                {
                    equal++;
                    continue;
                }
                different.Add($"{difference}\n  {description}");
                break;
            }
        }
        Assert.True(different.Count == 0, string.Create(CultureInfo.InvariantCulture, $"{different.Count} of {compared} tokenizers differ with seed {random.Seed}:\n") + string.Join("\n\n", different.OrderBy(text => text.Length).Take(5)));
        Assert.True(equal > compared * texts * 3 / 4, $"the reference takes only {equal} of {compared * texts} texts");
        Assert.True(compared > tokenizers / 2, $"only {compared} of {tokenizers} could be compared; refused: " + string.Join("; ", refused.OrderByDescending(reason => reason.Value).Take(20)));
    }

    private Tokenizer? Loaded(Dictionary<string, int> refused)
    {
        try
        {
            return Tokenizer.Load(folder.Path);
        }
        catch (AgoraException exception)
        {
            refused[exception.What] = refused.GetValueOrDefault(exception.What) + 1;
            return null;
        }
    }

    private Tokenizers.DotNet.Tokenizer? Reference()
    {
        try
        {
            return new Tokenizers.DotNet.Tokenizer(folder.File("tokenizer.json"));
        }
        catch (Exception exception) when (exception.GetType().Namespace == "Tokenizers.DotNet")
        {
            return null;
        }
    }

    /// <returns>Null where the reference fails on the text.</returns>
    private static uint[]? Expected(Tokenizers.DotNet.Tokenizer theirs, string text)
    {
        try
        {
            return theirs.Encode(text);
        }
        catch (Exception exception) when (exception.GetType().Namespace == "Tokenizers.DotNet")
        {
            return null;
        }
    }

    private static string? Difference(Tokenizer ours, Tokenizers.DotNet.Tokenizer theirs, string text, uint[] expected)
    {
        var ids = ours.Encode(text, addSpecialTokens: true);
        if (!expected.Select(id => (int)id).SequenceEqual(ids))
            return $"{System.Text.Json.JsonSerializer.Serialize(text)}\n  theirs: {Spelled(expected.Select(id => (int)id))}\n  ours:   {Spelled(ids)}";
        if (ids.Length == 0)
            return null;
        var (decoded, mine) = (theirs.Decode(expected), ours.Decode(ids, skipSpecialTokens: true));
        return decoded == mine ? null : $"decoded {Spelled(ids)}\n  theirs: {System.Text.Json.JsonSerializer.Serialize(decoded)}\n  ours:   {System.Text.Json.JsonSerializer.Serialize(mine)}";

        string Spelled(IEnumerable<int> tokens) => string.Join('|', tokens.Select(id => $"{id} {ours.TokenText(id)}"));
    }
}
