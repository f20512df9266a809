function ConvertTo-BorgClusterFlag {
    <#
    .SYNOPSIS
    Turns a flags enum into its words; none of them set gives nothing.
    #>
    param (
        [Parameter(Mandatory)]
        [AllowNull()]
        [object]
        $Value
    )

    foreach ($part in ([string] $Value).Split(',')) {
        $word = $part.Trim()
        if ($word -notin @('', '0', 'Normal')) {
            $word
        }
    }
}
