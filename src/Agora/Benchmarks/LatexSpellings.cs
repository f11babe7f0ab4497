using System.Collections.Frozen;

namespace Agora.Benchmarks;

/// <summary>What is spelled in several ways in answers, and what each spelling means: commands, characters beyond ASCII, short words.</summary>
internal static class LatexSpellings
{
    /// <summary>Commands that only shape the print.</summary>
    public static readonly FrozenSet<string> Silent = new[]
    {
        "left", "right", "middle", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "biggl", "biggr", "Biggl", "Biggr", "displaystyle", "textstyle", "scriptstyle",
        "limits", "nolimits", "quad", "qquad", "hfill", "par", "newline", "hline", "dots", "ldots", "cdots", "mathstrut", "strut", "rm", "bf", "it", "sf", "tt", "tiny", "small", "normalsize",
        "large", "Large", "LARGE", "huge", "Huge", "boxed", "fbox", "framebox", "underline", "uline", "enspace", "thinspace", "negthinspace", "space", "nobreakspace", "allowbreak", "noindent",
        "cent", "cents", "pounds", "euro", "yen", "textdollar", "dollar", "checkmark", "bold",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Commands whose argument says nothing of the answer: <c>\hspace{1em}</c>, <c>\textcolor{red}{5}</c>, <c>9 \pmod{11}</c>.</summary>
    public static readonly FrozenSet<string> SilentWithArgument = new[] { "hspace", "vspace", "phantom", "hphantom", "vphantom", "color", "textcolor", "pmod", "pod", "label", "tag" }.ToFrozenSet(StringComparer.Ordinal);

    public static readonly FrozenDictionary<string, string> Synonyms = new Dictionary<string, string>
    {
        ["dfrac"] = "frac",
        ["tfrac"] = "frac",
        ["cfrac"] = "frac",
        ["sfrac"] = "frac",
        ["nicefrac"] = "frac",
        ["dbinom"] = "binom",
        ["tbinom"] = "binom",
        ["leq"] = "le",
        ["leqslant"] = "le",
        ["leqq"] = "le",
        ["geq"] = "ge",
        ["geqslant"] = "ge",
        ["geqq"] = "ge",
        ["lt"] = "<",
        ["gt"] = ">",
        ["ne"] = "neq",
        ["cdot"] = "*",
        ["times"] = "*",
        ["ast"] = "*",
        ["div"] = "/",
        ["lbrace"] = "{",
        ["rbrace"] = "}",
        ["lvert"] = "|",
        ["rvert"] = "|",
        ["vert"] = "|",
        ["mid"] = "|",
        ["lbrack"] = "[",
        ["rbrack"] = "]",
        ["langle"] = "(",
        ["rangle"] = ")",
        ["lparen"] = "(",
        ["rparen"] = ")",
        ["approxeq"] = "approx",
        ["simeq"] = "approx",
        ["thickapprox"] = "approx",
        ["colon"] = ":",
        ["arcsin"] = "asin",
        ["arccos"] = "acos",
        ["arctan"] = "atan",
        ["tg"] = "tan",
        ["ctg"] = "cot",
        ["arctg"] = "atan",
        ["varnothing"] = "emptyset",
        ["smallsetminus"] = "setminus",
        ["backslash"] = "setminus",
        ["land"] = ",",
        ["lor"] = ",",
        ["wedge"] = ",",
        ["vee"] = ",",
        ["leftarrow"] = "to",
        ["rightarrow"] = "to",
        ["imath"] = "i",
        ["cr"] = "row",
        ["reals"] = "R",
        ["Reals"] = "R",
        ["widehat"] = "hat",
        ["degree"] = "°",
        ["circ"] = "°",
        ["textdegree"] = "°",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Commands that set words; their argument is words unless it is arithmetic.</summary>
    public static readonly FrozenSet<string> Text = new[] { "text", "mbox", "textbf", "textit", "textrm", "textnormal", "textsf", "texttt", "hbox", "mathrm", "operatorname", "emph" }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Commands that change the letters of a formula.</summary>
    public static readonly FrozenSet<string> Fonts = new[] { "mathbf", "mathit", "mathsf", "mathtt", "mathnormal", "boldsymbol", "bm", "pmb", "mathcal", "mathfrak" }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Names that are no product of letters, and the command each of them is.</summary>
    public static readonly FrozenDictionary<string, string> Names = new Dictionary<string, string>
    {
        ["sqrt"] = "sqrt",
        ["sin"] = "sin",
        ["cos"] = "cos",
        ["tan"] = "tan",
        ["sec"] = "sec",
        ["csc"] = "csc",
        ["cot"] = "cot",
        ["asin"] = "asin",
        ["acos"] = "acos",
        ["atan"] = "atan",
        ["arcsin"] = "asin",
        ["arccos"] = "acos",
        ["arctan"] = "atan",
        ["sinh"] = "sinh",
        ["cosh"] = "cosh",
        ["tanh"] = "tanh",
        ["log"] = "log",
        ["ln"] = "ln",
        ["lg"] = "lg",
        ["exp"] = "exp",
        ["abs"] = "abs",
        ["cis"] = "cis",
        ["pi"] = "pi",
        ["inf"] = "infty",
        ["infty"] = "infty",
        ["infinity"] = "infty",
        ["oo"] = "infty",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>Words too short to be told from a product of letters by their length.</summary>
    public static readonly FrozenSet<string> ShortWords = new[]
    {
        "the", "is", "are", "was", "of", "to", "by", "for", "not", "all", "per", "yes", "no", "odd", "if", "nor", "one", "two", "six", "ten", "any", "a.m", "p.m", "usd", "eur", "gbp", "dne", "red", "new", "old", "its", "his", "her",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Units that are written without <c>\text</c>, behind a number; a single letter would be a variable.</summary>
    public static readonly FrozenSet<string> Units = new[]
    {
        "mm", "cm", "dm", "km", "nm", "mg", "kg", "ml", "mL", "cL", "dL", "ft", "in", "yd", "mi", "lb", "lbs", "oz", "hr", "hrs", "day", "min", "sec", "mph", "kph", "sq", "cc", "rad", "deg", "pts", "gal", "am", "pm", "AM", "PM", "Hz", "kHz", "kW", "kWh",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Numbers that are written as words.</summary>
    public static readonly FrozenDictionary<string, int> NumberWords = new[]
    {
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
    }.Index().ToFrozenDictionary(word => word.Item, word => word.Index, StringComparer.OrdinalIgnoreCase);

    /// <summary>Characters beyond ASCII as LaTeX; the empty text for those that say nothing.</summary>
    public static readonly FrozenDictionary<char, string> Characters = new Dictionary<char, string>
    {
        ['\u00A0'] = " ",
        ['\u2009'] = " ",
        ['\u202F'] = " ",
        ['\u200B'] = "",
        ['€'] = "",
        ['£'] = "",
        ['¥'] = "",
        ['¢'] = "",
        ['°'] = @"\circ ",
        ['º'] = @"\circ ",
        ['−'] = "-",
        ['–'] = "-",
        ['—'] = "-",
        ['×'] = "*",
        ['·'] = "*",
        ['⋅'] = "*",
        ['∙'] = "*",
        ['÷'] = "/",
        ['∕'] = "/",
        ['⁄'] = "/",
        ['≤'] = @"\le ",
        ['⩽'] = @"\le ",
        ['≥'] = @"\ge ",
        ['⩾'] = @"\ge ",
        ['≠'] = @"\neq ",
        ['≈'] = @"\approx ",
        ['≡'] = @"\equiv ",
        ['∞'] = @"\infty ",
        ['√'] = @"\sqrt ",
        ['∛'] = @"\sqrt[3]",
        ['∪'] = @"\cup ",
        ['∩'] = @"\cap ",
        ['∈'] = @"\in ",
        ['∅'] = @"\emptyset ",
        ['±'] = @"\pm ",
        ['∓'] = @"\mp ",
        ['∠'] = @"\angle ",
        ['△'] = @"\triangle ",
        ['ℝ'] = @"\R ",
        ['∖'] = @"\setminus ",
        ['→'] = @"\to ",
        ['⟨'] = "(",
        ['⟩'] = ")",
        ['⌊'] = @"\lfloor ",
        ['⌋'] = @"\rfloor ",
        ['⌈'] = @"\lceil ",
        ['⌉'] = @"\rceil ",
        ['′'] = "'",
        ['’'] = "'",
        ['“'] = "",
        ['”'] = "",
        ['，'] = ",",
        ['。'] = ".",
        ['（'] = "(",
        ['）'] = ")",
        ['½'] = @"\frac{1}{2}",
        ['⅓'] = @"\frac{1}{3}",
        ['⅔'] = @"\frac{2}{3}",
        ['¼'] = @"\frac{1}{4}",
        ['¾'] = @"\frac{3}{4}",
        ['⅕'] = @"\frac{1}{5}",
        ['⅖'] = @"\frac{2}{5}",
        ['⅗'] = @"\frac{3}{5}",
        ['⅘'] = @"\frac{4}{5}",
        ['⅙'] = @"\frac{1}{6}",
        ['⅚'] = @"\frac{5}{6}",
        ['⅛'] = @"\frac{1}{8}",
        ['⅜'] = @"\frac{3}{8}",
        ['⅝'] = @"\frac{5}{8}",
        ['⅞'] = @"\frac{7}{8}",
        ['α'] = @"\alpha ",
        ['β'] = @"\beta ",
        ['γ'] = @"\gamma ",
        ['δ'] = @"\delta ",
        ['ε'] = @"\epsilon ",
        ['ζ'] = @"\zeta ",
        ['η'] = @"\eta ",
        ['θ'] = @"\theta ",
        ['ι'] = @"\iota ",
        ['κ'] = @"\kappa ",
        ['λ'] = @"\lambda ",
        ['μ'] = @"\mu ",
        ['ν'] = @"\nu ",
        ['ξ'] = @"\xi ",
        ['π'] = @"\pi ",
        ['ρ'] = @"\rho ",
        ['σ'] = @"\sigma ",
        ['τ'] = @"\tau ",
        ['φ'] = @"\phi ",
        ['χ'] = @"\chi ",
        ['ψ'] = @"\psi ",
        ['ω'] = @"\omega ",
        ['Δ'] = @"\Delta ",
        ['Ω'] = @"\Omega ",
    }.ToFrozenDictionary();

    private const string Superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ";
    private const string Subscripts = "₀₁₂₃₄₅₆₇₈₉₊₋ₙ";
    private const string Scripted = "0123456789+-n";

    /// <summary>With characters beyond ASCII as LaTeX; the text itself where it has none.</summary>
    public static string Ascii(string text)
    {
        if (System.Text.Ascii.IsValid(text))
            return text;
        var written = new System.Text.StringBuilder(text.Length + 16);
        for (var i = 0; i < text.Length; i++)
        {
            if (Scripts(text, ref i, Superscripts) is { } power)
                written.Append("^{").Append(power).Append('}');
            else if (Scripts(text, ref i, Subscripts) is { } index)
                written.Append("_{").Append(index).Append('}');
            else if (Characters.TryGetValue(text[i], out var latex))
                written.Append(latex);
            else if (text[i] is >= '０' and <= '９')
                written.Append((char)(text[i] - '０' + '0'));
            else
                written.Append(text[i]);
        }
        return written.ToString();
    }

    private static string? Scripts(string text, ref int i, string alphabet)
    {
        var start = i;
        var run = "";
        while (i < text.Length && alphabet.IndexOf(text[i]) is >= 0 and var place)
        {
            run += Scripted[place];
            i++;
        }
        if (i == start)
            return null;
        i--;
        return run;
    }
}
