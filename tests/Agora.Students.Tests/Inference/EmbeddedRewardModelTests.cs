using Agora.Students.Inference;

namespace Agora.Tests.Inference;

public sealed class EmbeddedRewardModelTests
{
    [Fact]
    public async Task Rewards_of_pairs_in_the_models_own_format_are_those_of_the_reference()
    {
        foreach (var golden in GoldenCases.OfKind(".reward"))
        {
            using var engine = InferenceEngine.Load(golden.ModelFolder, threads: 1);
            // Conversations of one question and one answer; each has a score in the case of the same place.
            var pairs = golden.Root.GetProperty("conversations").EnumerateArray().Index()
                .Select(entry => (entry.Index, Messages: entry.Item.GetProperty("messages").EnumerateArray().Select(message => (Role: message.GetProperty("role").GetString(), Content: message.GetProperty("content").GetString()!)).ToArray()))
                .Where(entry => entry.Messages is [(Role: "user", _), (Role: "assistant", _)]).ToArray();
            Assert.NotEmpty(pairs);
            var alone = golden.Cases.Select(@case => @case.GetProperty("scores")).Where(scores => scores.GetArrayLength() == 1).Select(scores => scores[0].GetSingle()).ToArray();
            var rewards = await new EmbeddedRewardModel(engine).ScoreAsync([.. pairs.Select(pair => (pair.Messages[0].Content, pair.Messages[1].Content))], TestContext.Current.CancellationToken);
            Assert.Equal(pairs.Select(pair => alone[pair.Index]), rewards, (one, other) => Math.Abs(one - other) < 1e-4f);
        }
    }
}
