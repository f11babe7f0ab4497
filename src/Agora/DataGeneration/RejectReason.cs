using System.Text.Json;
using System.Text.Json.Serialization;

namespace Agora.DataGeneration;

/// <summary>Why a completion did not become an instance; every reject is counted under one of these.</summary>
[JsonConverter(typeof(RejectReasonConverter))]
public enum RejectReason
{
    /// <summary>The endpoint refused this prompt: too long for the model, or filtered.</summary>
    PromptRefused,
    /// <summary>The answer holds no text.</summary>
    CompletionEmpty,
    /// <summary>Cut off at the limit of new tokens.</summary>
    FinishedByLength,
    /// <summary>Ended in another way than by itself, e.g. by a content filter, or no finish reason was given.</summary>
    FinishedOtherwise,
    /// <summary>Nothing separates instruction and response.</summary>
    TriggerMissing,
    /// <summary>JSON variant: the completion is no JSON object.</summary>
    JsonInvalid,
    /// <summary>JSON variant: a key is missing or not a string.</summary>
    JsonKeyMissing,
    InstructionEmpty,
    ResponseEmpty,
    /// <summary>Instruction and response in the student's chat format exceed the token limit.</summary>
    TooManyTokens,
    /// <summary>A placeholder of the template stands in the response.</summary>
    PlaceholderLeft,
    /// <summary>A trigger stands in the response: a second instance, as a rule.</summary>
    TriggerLeft,
    /// <summary>Math: no <c>[RESULT] … [/RESULT]</c>.</summary>
    ResultMissing,
    /// <summary>Math: more than one.</summary>
    ResultRepeated,
    /// <summary>Math: nothing between the tags.</summary>
    ResultEmpty,
    /// <summary>Math: text follows it.</summary>
    ResultNotAtEnd,
    /// <summary>Code: the response does not start with a fence.</summary>
    FenceNotAtStart,
    /// <summary>Code: the response does not end with a fence.</summary>
    FenceNotAtEnd,
    /// <summary>Code: a fence is opened and not closed.</summary>
    FencesUnbalanced,
    /// <summary>Code: text between two fenced blocks.</summary>
    ProseOutsideFence,
    /// <summary>Code: no code inside the fences.</summary>
    CodeEmpty,
    /// <summary>Evol-instruct: the new instruction is the old one.</summary>
    InstructionUnchanged,
    /// <summary>Best-of-n: the judge's verdicts name no score.</summary>
    ScoreMissing,
    /// <summary>Filter length: the instruction has fewer characters than wanted.</summary>
    InstructionTooShort,
    /// <summary>Filter length: the instruction has more.</summary>
    InstructionTooLong,
    /// <summary>Filter length: the response has fewer characters than wanted.</summary>
    ResponseTooShort,
    /// <summary>Filter length: the response has more.</summary>
    ResponseTooLong,
    /// <summary>Filter scripts: too many letters of another script.</summary>
    ScriptOther,
    /// <summary>Filter languages: instruction or response is in another language.</summary>
    LanguageOther,
    /// <summary>Filter decontamination: it stands in a test set of the experiment.</summary>
    Contaminated,
    /// <summary>Filter exactDuplicates.</summary>
    ExactDuplicate,
    /// <summary>Filter nearDuplicates.</summary>
    NearDuplicate,
    /// <summary>Filter embeddingDuplicates.</summary>
    EmbeddingDuplicate,
    /// <summary>Filter novelty: ROUGE-L with a seed or a kept instruction reaches the threshold.</summary>
    NotNovel,
}

/// <summary>The snake_case names that files and output use.</summary>
public static class RejectReasonNames
{
    public static string Name(this RejectReason reason) => JsonNamingPolicy.SnakeCaseLower.ConvertName(reason.ToString());
}

internal sealed class RejectReasonConverter() : JsonStringEnumConverter<RejectReason>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false);
