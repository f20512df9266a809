function Resolve-BorgClusterPath {
    <#
    .SYNOPSIS
    Accepts a full, normalised path only, and returns it without a trailing separator.
    .DESCRIPTION
    What Windows would read as another path than it is written ('..', a short name, trailing dots, a stream, a device) is
    refused: rules about where a path lies are then rules about its text.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path
    )

    $full = ''
    $reason = $null
    if ($Path -match '^([A-Za-z]:\\|\\\\[^\\?.]|/)') {
        try {
            $full = [System.IO.Path]::GetFullPath($Path)
        } catch {
            $reason = $_.Exception
        }
    }
    $trimmed = $full.TrimEnd('\', '/')
    if ($trimmed -eq '' -or $trimmed -ne $Path.TrimEnd('\', '/')) {
        $record = @{
            ErrorId = 'BorgClusterPathNotAllowed'
            Category = 'InvalidArgument'
            Message = "'$Path' is not a full, normalised path."
            TargetObject = $Path
            InnerException = $reason
        }
        throw (ConvertTo-BorgClusterErrorRecord @record)
    }
    return $trimmed
}
