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

    $trimmed = $Path.TrimEnd('\', '/')
    $reason = $null
    $valid = $trimmed -match '^(?:[A-Za-z]:[\\/]|\\\\(?=[^\\/?.][^\\/]*[\\/])|/(?=[^\\/]))(.+)\z'
    if ($valid) {
        foreach ($part in $Matches[1] -split '[\\/]') {
            if ($part -match '^$|[<>:"|?*\x00-\x1F]|[. ]$|^(CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(\..*)?\z') {
                $valid = $false
            }
        }
    }
    if ($valid -and [System.IO.Path]::DirectorySeparatorChar -eq '\') {
        # Windows' own opinion: it also knows short names
        try {
            $valid = [System.IO.Path]::GetFullPath($Path).TrimEnd('\', '/') -eq $trimmed
        } catch {
            $valid = $false
            $reason = $_.Exception
        }
    }
    if (-not $valid) {
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
