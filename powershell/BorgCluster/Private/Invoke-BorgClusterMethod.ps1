function Invoke-BorgClusterMethod {
    <#
    .SYNOPSIS
    Calls a method of one of Hyper-V's WMI services and waits for its job; fails as the method or the job fails.
    .OUTPUTS
    A table with Result (what the method returned) and Job (as it ended, $null without one).
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $InputObject,

        [Parameter(Mandatory)]
        [string]
        $MethodName,

        [Parameter(Mandatory)]
        [hashtable]
        $Argument,

        # For how many seconds to wait for a job
        [ValidateRange(0, 86400)]
        [int]
        $TimeoutSecond = 240
    )

    $call = @{
        InputObject = $InputObject
        MethodName = $MethodName
        Arguments = $Argument
        ErrorAction = 'Stop'
    }
    try {
        $result = CimCmdlets\Invoke-CimMethod @call
    } catch {
        # 'Type mismatch': a reference that has to be marked as one
        $native = [string] (Get-BorgClusterProperty -InputObject $_.Exception -Name 'NativeErrorCode')
        if ($_.FullyQualifiedErrorId -notmatch '0x80041005' -and $native -ne 'TypeMismatch') {
            throw
        }
        $call['Arguments'] = @{}
        foreach ($name in $Argument.Keys) {
            $value = $Argument[$name]
            if ($value -isnot [string] -and $value -isnot [System.ValueType] -and $value -isnot [array]) {
                $value = [System.Management.Automation.PSReference]::new($value)
            }
            $call['Arguments'][$name] = $value
        }
        $result = CimCmdlets\Invoke-CimMethod @call
    }
    $code = [long] (Get-BorgClusterProperty -InputObject $result -Name 'ReturnValue')
    if ($code -eq 0) {
        return @{ Result = $result; Job = $null }
    }
    if ($code -eq 4096) {
        $reference = Get-BorgClusterProperty -InputObject $result -Name 'Job'
        $job = Wait-BorgClusterMethodJob -Job $reference -MethodName $MethodName -TimeoutSecond $TimeoutSecond
        return @{ Result = $result; Job = $job }
    }
    throw (ConvertTo-BorgClusterMethodError -MethodName $MethodName -ReturnValue $code)
}
