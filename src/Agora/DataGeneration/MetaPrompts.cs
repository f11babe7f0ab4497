using System.Collections.Immutable;
using System.Text;
using Agora.Experiments;

namespace Agora.DataGeneration;

/// <summary>A folder of meta-prompts.</summary>
/// <remarks>
/// <c>VARIANT/DOMAIN/METHOD.txt</c> are the templates; <c>themes/DOMAIN.txt</c>, <c>opening_words/DOMAIN.txt</c>, <c>personas/DOMAIN.txt</c> and <c>evolutions/DOMAIN.txt</c> hold one entry a line and are read
/// where a template draws on them; <c>scoring/DOMAIN.txt</c> is the question to the judge of best-of-n. A folder need not hold every setting.
/// </remarks>
public sealed class MetaPrompts
{
    private readonly string folder;
    private readonly MetaPromptVariant variant;
    private readonly JsonReading json;
    private readonly ImmutableDictionary<Setting, MetaPrompt> bySetting;

    private MetaPrompts(string folder, MetaPromptVariant variant, JsonReading json, ImmutableDictionary<Setting, MetaPrompt> bySetting)
    {
        this.folder = folder;
        this.variant = variant;
        this.json = json;
        this.bySetting = bySetting;
    }

    /// <summary>The settings that the folder has a template of their own for.</summary>
    public IEnumerable<Setting> Settings => Setting.Known.Where(bySetting.ContainsKey);

    /// <exception cref="AgoraException">The folder has no template of the variant, or one cannot be used.</exception>
    public static MetaPrompts Load(string folder, MetaPromptVariant variant, JsonReading json = JsonReading.Strict)
    {
        if (!Directory.Exists(Path.Combine(folder, variant.Name())))
            throw new AgoraException($"there are no meta-prompts of the variant {variant.Name()}", Path.Combine(folder, variant.Name()),
                "name a folder that holds VARIANT/DOMAIN/METHOD.txt in generation.prompts, e.g. prompts")
            { ExitCode = 2 };
        var found = Setting.Known.Select(setting => (setting, File: TemplateFile(folder, variant, setting))).Where(entry => File.Exists(entry.File));
        return new MetaPrompts(folder, variant, json, found.ToImmutableDictionary(entry => entry.setting, entry => Read(folder, variant, entry.setting, entry.File, json)));
    }

    /// <exception cref="AgoraException">The folder has no template for the setting.</exception>
    public MetaPrompt For(Setting setting)
    {
        if (!bySetting.TryGetValue(setting, out var metaPrompt))
        {
            // A method that asks like another one can do with its template.
            var lent = TemplateFile(folder, variant, setting with { Method = GenerationMethods.For(setting.Method).TemplateOf });
            if (!File.Exists(lent))
                throw new AgoraException($"there is no meta-prompt for {setting} in the variant {variant.Name()}", TemplateFile(folder, variant, setting),
                    "write the template there, or take the setting out of the experiment")
                { ExitCode = 2 };
            metaPrompt = Read(folder, variant, setting, lent, json);
        }
        return setting.Method == GenerationMethod.BestOfN ? metaPrompt with { Scoring = Question(setting) } : metaPrompt;
    }

    private string Question(Setting setting)
    {
        var file = Path.Combine(folder, "scoring", setting.Domain.Name() + ".txt");
        var question = File.Exists(file) ? ReadText(file).TrimEnd('\r', '\n') : "";
        return question.Contains("<input>", StringComparison.Ordinal) && question.Contains("<output>", StringComparison.Ordinal)
            ? question
            : throw new AgoraException($"{setting} needs a question to its judge that shows <input> and <output>", file, "write the question there; Agora's own folder prompts/scoring holds examples") { ExitCode = 2 };
    }

    private static string TemplateFile(string folder, MetaPromptVariant variant, Setting setting) =>
        Path.Combine(folder, variant.Name(), setting.Domain.Name(), setting.Method.Name() + ".txt");

    private static MetaPrompt Read(string folder, MetaPromptVariant variant, Setting setting, string file, JsonReading json)
    {
        var metaPrompt = MetaPrompt.Parse(ReadText(file), setting, variant, file, json);
        return metaPrompt with
        {
            Themes = metaPrompt.Shows("<input_theme>") ? Entries("themes", "<input_theme>") : [],
            OpeningWords = metaPrompt.Shows("<first_word>") ? Entries("opening_words", "<first_word>") : [],
            Personas = metaPrompt.Shows("<persona>") ? Entries("personas", "<persona>") : [],
            Evolutions = metaPrompt.Shows("<evolution>") ? Entries("evolutions", "<evolution>") : [],
        };

        ImmutableArray<string> Entries(string kind, string placeholder)
        {
            var list = Path.Combine(folder, kind, setting.Domain.Name() + ".txt");
            if (!File.Exists(list))
                throw new AgoraException($"{Path.GetFileName(file)} shows {placeholder}, but its list is missing", list,
                    $"write one entry a line there, or take {placeholder} out of {file}")
                { ExitCode = 2 };
            ImmutableArray<string> entries = [.. ReadText(list).Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0)];
            return entries.Length > 0
                ? entries
                : throw new AgoraException($"{Path.GetFileName(file)} shows {placeholder}, but its list is empty", list, "write one entry a line there") { ExitCode = 2 };
        }
    }

    private static string ReadText(string file)
    {
        try
        {
            return File.ReadAllText(file, StrictUtf8).Replace("\r\n", "\n", StringComparison.Ordinal);
        }
        catch (DecoderFallbackException fault)
        {
            throw new AgoraException("the file is not UTF-8", file, "save it as UTF-8", fault) { ExitCode = 2 };
        }
    }

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
}
