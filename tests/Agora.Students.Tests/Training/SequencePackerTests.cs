using Agora.Experiments;
using Agora.Students.Training;
using CsCheck;

namespace Agora.Tests.Training;

public sealed class SequencePackerTests
{
    private static readonly Gen<TrainingDocument[]> Documents = Gen.Int[0, 1000].Array[1, 32].Select(ids => new TrainingDocument(ids)).Array[0, 200];

    [Fact]
    public void Packing_loses_no_token_and_keeps_to_the_length() =>
        Gen.Select(Documents, Gen.Int[32, 100], Gen.Bool).Sample((documents, length, plain) =>
        {
            var packed = SequencePacker.Pack(documents, length, plain ? Packing.Plain : Packing.Isolated);
            return packed.All(sequence => sequence.Sum(document => document.Tokens.Length) <= length)
                && packed.SelectMany(sequence => sequence).SelectMany(document => document.Tokens).Order().SequenceEqual(documents.SelectMany(document => document.Tokens).Order());
        });

    [Fact]
    public void Isolated_packing_keeps_documents_whole() =>
        Documents.Sample(documents => SequencePacker.Pack(documents, 40, Packing.Isolated).SelectMany(sequence => sequence).ToHashSet().SetEquals(documents));

    [Fact]
    public void Plain_packing_joins_documents_and_cuts_the_stream()
    {
        var packed = SequencePacker.Pack([new([1, 2, 3], [false, false, true]), new([4, 5])], 4, Packing.Plain);
        Assert.Equal([[1, 2, 3, 4], [5]], packed.Select(sequence => Assert.Single(sequence).Tokens));
        Assert.Equal([[false, false, true, true], [true]], packed.Select(sequence => sequence[0].Targets!));
    }

    [Fact]
    public void Short_documents_share_sequences()
    {
        var packed = SequencePacker.Pack([.. Enumerable.Range(0, 100).Select(i => new TrainingDocument(new int[10 + i % 7]))], 128, Packing.Isolated);
        Assert.InRange(packed.Count, 1300 / 128, 1300 / 128 + 2);
    }

    [Fact]
    public void Each_epoch_has_its_own_order_and_the_same_documents()
    {
        TrainingDocument[] documents = [.. Enumerable.Range(0, 50).Select(i => new TrainingDocument([i, i]))];
        var plan = TrainingPlan.Make(documents, epochs: 2, maxLength: 8, Packing.Isolated, sequencesPerStep: 2, new RandomStreams(1));
        var epochs = plan.GroupBy(step => step.Epoch).Select(epoch => epoch.SelectMany(step => step.Documents).Select(document => document.Tokens[0]).ToArray()).ToArray();
        Assert.NotEqual(epochs[0], epochs[1]);
        Assert.Equal(epochs[0].Order(), epochs[1].Order());
    }
}
