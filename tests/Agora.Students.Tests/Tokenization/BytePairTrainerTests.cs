using Agora.Experiments;
using Agora.Students.Tokenization;
using CsCheck;

namespace Agora.Tests.Tokenization;

public sealed class BytePairTrainerTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("agora-tokenizer-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void The_most_frequent_pair_is_merged_first()
    {
        var trained = BytePairTrainer.Train(["lolololo lo", "no"], 258, []);
        Assert.Equal(["lo", "lolo"], trained.Tokens.Skip(256));
    }

    // "ab" and "cd" occur equally often: the pair of lower ids wins, whatever the order of the texts.
    [Fact]
    public void Of_equally_frequent_pairs_the_one_with_the_lowest_ids_is_merged_first() =>
        Assert.Equal("ab", BytePairTrainer.Train(["cd", "ab", "cd", "ab"], 257, []).Tokens[256]);

    [Fact]
    public void Each_digit_is_a_token_of_its_own()
    {
        var tokenizer = Trained(["12 12 12 12 12 12"], 300);
        Assert.Equal(2, tokenizer.Encode("12", addSpecialTokens: false).Length);
    }

    [Fact]
    public void Pairs_that_occur_once_are_not_merged() =>
        Assert.Equal(256, BytePairTrainer.Train(["abc"], 300, []).VocabularySize);

    [Fact]
    public void Special_tokens_take_the_last_ids_and_bos_comes_first()
    {
        var tokenizer = Trained(["some text, some more text"], 270);
        Assert.Equal(tokenizer.VocabularySize - 1, tokenizer.TokenId(TrainedTokenizer.Padding));
        Assert.Equal(tokenizer.TokenId(TrainedTokenizer.BeginOfText), tokenizer.Encode("text", addSpecialTokens: true)[0]);
    }

    [Fact]
    public void The_same_texts_give_the_same_files()
    {
        string[] texts = ["the cat sat on the mat", "a dog sat on a log", "ünïcödé 123"];
        BytePairTrainer.Train(texts, 300, TrainedTokenizer.ChatTokens).Save(folder, 1024);
        var first = File.ReadAllText(Path.Combine(folder, "tokenizer.json"));
        BytePairTrainer.Train(texts.Reverse(), 300, TrainedTokenizer.ChatTokens).Save(folder, 1024);
        Assert.Equal(first, File.ReadAllText(Path.Combine(folder, "tokenizer.json")));
    }

    [Fact]
    public void A_vocabulary_without_room_for_the_bytes_is_refused() =>
        Assert.Contains("at least 262", Assert.Throws<AgoraException>(() => BytePairTrainer.Train([], 256, TrainedTokenizer.ChatTokens)).Fix, StringComparison.Ordinal);

    // Merging incrementally must give what recounting everything after each merge gives.
    [Fact]
    public void Incremental_counts_lead_to_the_merges_of_a_full_recount() =>
        Gen.String["ab c"].Array[1, 8].Sample(texts =>
            BytePairTrainer.Train(texts, 256 + 12, []).Tokens.Skip(256).SequenceEqual(RecountEachTime(texts, 12)), iter: 300);

    private Tokenizer Trained(string[] texts, int size)
    {
        BytePairTrainer.Train(texts, size, TrainedTokenizer.ChatTokens).Save(folder, 1024);
        return Tokenizer.Load(folder);
    }

    private static List<string> RecountEachTime(string[] texts, int merges)
    {
        var split = new List<TextRange>();
        var words = new List<List<int>>();
        foreach (var text in texts)
        {
            split.Clear();
            SplitPattern.FromRegex(WordScanner.SingleDigits).Match(text, new TextRange(0, text.Length), split);
            words.AddRange(split.Select(range => text[range.Start..range.End].Select(character => (int)character).ToList()));
        }
        var tokens = Enumerable.Range(0, 256).Select(value => ((char)value).ToString()).ToList();
        for (var done = 0; done < merges; done++)
        {
            var best = words.SelectMany(word => word.Zip(word.Skip(1)))
                .GroupBy(pair => pair)
                .Where(group => group.Count() >= 2)
                .OrderByDescending(group => group.Count()).ThenBy(group => group.Key.First).ThenBy(group => group.Key.Second)
                .FirstOrDefault()?.Key;
            if (best is not { } pair)
                break;
            foreach (var word in words)
                for (var i = 0; i + 1 < word.Count; i++)
                    if ((word[i], word[i + 1]) == pair)
                    {
                        word[i] = tokens.Count;
                        word.RemoveAt(i + 1);
                    }
            tokens.Add(tokens[pair.First] + tokens[pair.Second]);
        }
        return [.. tokens.Skip(256).Select(token => token.Replace(' ', 'Ġ'))];
    }
}
