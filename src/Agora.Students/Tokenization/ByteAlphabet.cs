namespace Agora.Students.Tokenization;

/// <summary>The printable characters that stand for the 256 bytes in the tokens of a byte-level vocabulary (GPT-2's table).</summary>
/// <remarks>Printable Latin-1 bytes stand for themselves; the other 68, in order, are the characters from U+0100 on: a space is Ġ.</remarks>
internal static class ByteAlphabet
{
    private static readonly char[] Characters = MakeCharacters();
    private static readonly short[] Bytes = MakeBytes();

    public static char CharacterOf(byte value) => Characters[value];

    /// <returns>False where the character stands for no byte.</returns>
    public static bool TryByteOf(char character, out byte value)
    {
        var found = character < Bytes.Length ? Bytes[character] : (short)-1;
        value = (byte)found;
        return found >= 0;
    }

    /// <summary>The token that spells these bytes.</summary>
    public static string Spell(ReadOnlySpan<byte> bytes) => string.Create(bytes.Length, bytes, static (token, source) =>
    {
        for (var i = 0; i < source.Length; i++)
            token[i] = Characters[source[i]];
    });

    private static char[] MakeCharacters()
    {
        var characters = new char[256];
        var next = (char)256;
        for (var value = 0; value < 256; value++)
            characters[value] = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? (char)value : next++;
        return characters;
    }

    private static short[] MakeBytes()
    {
        var bytes = new short[Characters.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (var value = 0; value < 256; value++)
            bytes[Characters[value]] = (short)value;
        return bytes;
    }
}
