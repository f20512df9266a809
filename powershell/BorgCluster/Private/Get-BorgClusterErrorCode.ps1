function Get-BorgClusterErrorCode {
    <#
    .SYNOPSIS
    Finds the code of an error, such as 0x80070020: in the texts, in the exceptions, else the error's own identifier.
    .DESCRIPTION
    Hyper-V's exceptions have a general code of .NET's (0x8013....) and tell the true one in their text, as a number in any
    language.
    #>
    param (
        [Parameter(Mandatory)]
        [System.Management.Automation.ErrorRecord]
        $ErrorRecord
    )

    $codes = [System.Collections.Generic.List[string]]::new()
    $exception = $ErrorRecord.Exception
    while ($null -ne $exception) {
        if ($exception.Message -match '0x([0-9A-Fa-f]{8})\b') {
            return '0x' + $Matches[1].ToUpperInvariant()
        }
        if ($exception -is [System.ComponentModel.Win32Exception]) {
            $codes.Add('8007{0:X4}' -f $exception.NativeErrorCode)
        }
        $codes.Add('{0:X8}' -f $exception.HResult)
        $exception = $exception.InnerException
    }
    foreach ($code in $codes) {
        # 8013....: of .NET; 80004005: unspecified
        if ($code -notmatch '^8013' -and $code -ne '80004005') {
            return '0x' + $code
        }
    }
    return $ErrorRecord.FullyQualifiedErrorId
}
