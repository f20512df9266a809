function Limit-BorgClusterMethodJob {
    <#
    .SYNOPSIS
    Asks a job whose time is over to stop, if it can be stopped, and returns the error that tells of it.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Job,

        [Parameter(Mandatory)]
        [string]
        $MethodName,

        [Parameter(Mandatory)]
        [int]
        $TimeoutSecond
    )

    $end = 'It goes on.'
    if ([bool] (Get-BorgClusterProperty -InputObject $Job -Name 'Cancellable')) {
        $stop = @{
            InputObject = $Job
            MethodName = 'RequestStateChange'
            # 5: kill
            Arguments = @{ RequestedState = [uint16] 5 }
            ErrorAction = 'Stop'
        }
        try {
            $null = CimCmdlets\Invoke-CimMethod @stop
            $end = 'It was asked to stop.'
        } catch {
            $end = "It goes on, as it could not be stopped: $_"
        }
    }
    $record = @{
        ErrorId = 'BorgClusterJobTimeout'
        Category = 'OperationTimeout'
        Message = "$MethodName was not done after $TimeoutSecond s. $end"
        TargetObject = $TimeoutSecond
        Code = '0x800705B4'
    }
    return ConvertTo-BorgClusterErrorRecord @record
}
